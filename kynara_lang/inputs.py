"""Everything that a check reads, read once: its files, and the library modules that it turns out to import.

What is checked and what a cache knows a check by are the same texts, even if somebody saves a file meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from .diagnostics.diagnostic import Report as Findings
from .diagnostics.source import Source
from .files import PolicyFile, find_modules, read_source, source_of
from .libraries import Libraries, standard_library


@frozen
class Inputs:
    """The sources of a program and the libraries it can import; `findings` holds what is wrong with reading them.

    `files` counts those that could not be read, too. `imported` are the library modules that were asked for so far,
    None for those that there are not or that cannot be read.
    """

    sources: tuple[Source, ...]
    files: int
    libraries: Libraries
    findings: Findings
    imported: Mapping[str, Source | None] = field(factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every file of the program could be read."""
        return self.files == len(self.sources)

    @property
    def parts(self) -> list[str]:
        """All that tells a program from others before it is parsed, as texts."""
        names = self.libraries.names
        return [str(len(names)), *names, *(part for source in self.sources for part in (source.name, source.text))]


def read_inputs(
    files: Sequence[PolicyFile],
    libraries: Sequence[str],
    *,
    unsaved: tuple[str, bytes | None] | None = None,
    texts: Mapping[str, str] | None = None,
) -> Inputs:
    """Read the files of a program, and find the modules of the library folders.

    `unsaved` is the name and the content of one more file that does not come from disk; it takes the place of the
    file of that name, if there is one. A content of None is one that was too large to be read. `texts` holds, by the
    name of a file, what it would say instead. Raises `FilesError` for what cannot be used.
    """
    findings = Findings()
    name, content = unsaved or ("", None)
    if unsaved is not None:
        place = os.path.realpath(name)
        files = [file for file in files if file.real != place]
    found = [read_source(file, findings) for file in files]
    if unsaved is not None:
        found.append(source_of(name, content, findings))
    sources = [source for source in found if source is not None]
    if texts:
        sources = [Source(s.name, texts[s.name]) if s.name in texts else s for s in sources]
    imported: dict[str, Source | None] = {}
    return Inputs(tuple(sources), len(found), _once(libraries, findings, imported), findings, imported)


def _once(folders: Sequence[str], findings: Findings, imported: dict[str, Source | None]) -> Libraries:
    """Return the standard library together with the modules of some folders, each of them read once."""
    standard = standard_library()
    modules = find_modules(folders) if folders else {}

    def find(name: str) -> Source | None:
        if name not in imported:
            file = modules.get(name)
            imported[name] = standard.find(name) if file is None else read_source(file, findings)
        return imported[name]

    return Libraries(find, tuple(sorted({*standard.names, *modules})))
