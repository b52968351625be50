"""The engines that are measured beside each other: Kynara, and those of the extra `bench` as far as they are installed."""

from __future__ import annotations

from importlib import import_module, metadata
from importlib.util import find_spec

from attrs import frozen

from kynara_lang import __version__
from tests.benchmarks.engines.shape import Engine
from tests.benchmarks.workloads import KINDS


@frozen
class Known:
    """An engine that need not be installed: where it is, what it needs, and for which kinds of workloads it makes sense."""

    name: str
    place: str
    module: str
    package: str
    kinds: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """Whether what it needs can be imported."""
        return find_spec(self.module) is not None

    @property
    def version(self) -> str | None:
        """The version of its package, None if that is not installed; Kynara's is that of this checkout."""
        if self.name == KYNARA:
            return __version__
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None

    def load(self) -> type[Engine]:
        """Import it."""
        module, _, attribute = self.place.partition(":")
        found: type[Engine] = getattr(import_module(f"tests.benchmarks.engines.{module}"), attribute)
        return found


_RULES = ("abac", "agents", "roles")

KYNARA = "Kynara"
ENGINES = {
    known.name: known
    for known in (
        Known(KYNARA, "kynara:Kynara", "kynara_lang", "kynara-lang", KINDS),
        Known("regorus RVM", "rego:Rego", "regorus", "gordon-to-regorus", KINDS),
        Known("cedarpy", "cedar:Cedar", "cedarpy", "cedarpy", KINDS),
        Known("cedarpy, host's index", "cedar:IndexedCedar", "cedarpy", "cedarpy", _RULES),
        Known("CEL, host's index", "cel:Cel", "cel", "common-expression-language", _RULES),
        Known("vakt", "vakt:Vakt", "vakt", "vakt", _RULES),
        Known("casbin", "casbin:Casbin", "casbin", "casbin", ("roles",)),
    )
}
