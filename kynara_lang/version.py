"""The version of this program: what `kynara --version` prints, and what records and caches name."""

from __future__ import annotations

__version__ = "0.1.0"
