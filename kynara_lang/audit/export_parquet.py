"""Writes records as a Parquet file, a group of rows at a time; needs the package `pyarrow`."""

from __future__ import annotations

from typing import Any, Final

from .export_formats import COLUMNS, table_row
from .faults import LogError, needs_extra
from .hashed import Hashed
from .reading import Entry

_GROUP: Final = 10_000


class Table:
    """A Parquet file that is being written."""

    def __init__(self, out: Hashed) -> None:
        """Take where to write; raise `LogError` if the package is missing."""
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise needs_extra("pyarrow", "parquet", "writing Parquet") from None
        self._arrow = pyarrow
        self._schema = _schema(pyarrow)
        self._writer = parquet.ParquetWriter(pyarrow.PythonFile(out, mode="w"), self._schema)
        self._rows: list[dict[str, Any]] = []

    def add(self, entry: Entry) -> None:
        """Take a record."""
        self._rows.append(table_row(entry))
        if len(self._rows) >= _GROUP:
            self._write()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        if self._rows:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        try:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        except self._arrow.ArrowException as error:
            raise LogError("not-json", f"the records cannot be written as Parquet: {error}") from None
        self._rows = []


def _schema(arrow: Any) -> Any:
    text, texts = arrow.string(), arrow.list_(arrow.string())
    kinds = {
        "seq": arrow.int64(),
        "time": arrow.timestamp("us", tz="UTC"),
        "chain": texts,
        "rules": texts,
        "errors": texts,
        "about": arrow.int64(),
    }
    return arrow.schema([(name, kinds.get(name, text)) for name in COLUMNS])
