"""Asks the solver about a change that no test notices: does it change anything, and if so, for which request?

The solver comes with the extra `prove`; without it, nothing is asked, and a change stays a survivor.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from ..analysis.differences import Comparing
from ..analysis.solver import Limits
from ..analysis.versions import Version
from ..checker.symbols import Program
from ..runtime.policyset import PolicySet
from ..runtime.replay import Replay
from .cases import Json
from .neighbours import differ

MILLISECONDS: Final = 1_000
"""How long the solver may take for one question."""


@frozen
class Settled:
    """What is known of a change: `same` says that it is proved to change no decision, `request` one that it changes."""

    same: bool = False
    request: Json | None = None


def settled(original: PolicySet, changed: PolicySet) -> Settled:
    """Compare a change with the original, for every request; the solver has to be installed."""
    found = Comparing(_version(original.program), _version(changed.program), Limits(MILLISECONDS)).run()
    if not found.slices and not found.declared:
        return Settled(same=True)
    regions = [region for one in found.slices for side in (one.gains, one.losses) for region in side.regions]
    requests = (region.request for region in regions)
    return Settled(request=next((r for r in requests if differ(original, changed, r) is not None), None))


def _version(program: Program) -> Version:
    return Version(program, Replay(program))
