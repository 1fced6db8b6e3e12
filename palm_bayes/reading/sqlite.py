"""Reading of SQLite's databases: nothing in them is executed, and nothing is written beside them.

A database may come from anyone. A view in place of a table, a virtual table and a generated column
are code that reading would run; a damaged page can claim rows and texts without end.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from palm_bayes.errors import DataError, listed
from palm_bayes.reading.opening import MAX_BYTES, MAX_ROWS, check_bytes, check_table, unreadable

_PLAIN = """
    SELECT name FROM sqlite_master AS one WHERE type = 'table' AND sql LIKE 'CREATE TABLE %'
    AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(one.name) WHERE hidden)
"""
"""Names of tables that hold what they show; hidden columns are generated."""

type Rows = list[tuple[Any, ...]]


def is_database(path: Path) -> bool:
    """Return True for a file that is called as SQLite's databases are."""
    return path.suffix.lower() in {".db", ".sqlite", ".sqlite3"} and path.is_file()


def tables_of(path: Path, wanted: Mapping[str, Sequence[str]], kind: str) -> dict[str, Rows]:
    """Read the wanted columns of tables, their rows in the order in which they were written.

    `kind` says in errors what the database should be.
    """
    try:
        with closing(sqlite3.connect(_address(path), uri=True)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BYTES)
            there = {name for (name,) in database.execute(_PLAIN)}
            if lacking := [table for table in wanted if table not in there]:
                raise DataError(f"{path} is not {kind}: it has no table {listed(lacking)}")
            return {table: _rows(database, path, table, wanted[table]) for table in wanted}
    except (sqlite3.Error, OSError, UnicodeError) as error:
        raise unreadable(path, error, kind) from error


def _address(path: Path) -> str:
    """Return the address that opens a database to be read only.

    One that writes ahead, to a log that is not there, is not in use. It is opened as immutable,
    since SQLite would make that log. Any other is locked while it is read, as its writers expect.
    """
    with path.open("rb") as opened:
        writes_ahead = opened.read(20)[18:] == b"\2\2"
    idle = writes_ahead and not path.with_name(f"{path.name}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' * idle}"


def _rows(database: sqlite3.Connection, path: Path, table: str, columns: Sequence[str]) -> Rows:
    """Read the rows of a table until they are too many, or their texts too long."""
    rows: Rows = []
    size, asked = 0, f"{', '.join(columns)} FROM {table}"  # names that palm_bayes knows
    for row in database.execute(f"SELECT {asked} ORDER BY rowid LIMIT {MAX_ROWS + 1}"):
        size += sum(len(cell) for cell in row if isinstance(cell, (str, bytes)))
        check_bytes(path, size, MAX_BYTES)
        rows.append(row)
    check_table(f"{path}: the table {table}", len(rows), 1)
    return rows
