"""SQLite's databases: what is read, and that nothing in them is executed or written."""

import sqlite3
from contextlib import closing

import pytest

from palm_bayes import read_runs
from palm_bayes.errors import DataError
from palm_bayes.reading import sqlite

WANTED, KIND = {"one": ("a", "b")}, "a database of MLflow"


def made(path, *statements):
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path


def table(path, more=()):
    return made(path, "CREATE TABLE one (a, b)", "INSERT INTO one VALUES (1, 'x')", *more)


def read(path):
    return sqlite.tables_of(path, WANTED, KIND)


def test_rows_are_in_the_order_in_which_they_were_written(tmp_path):
    more = ["CREATE INDEX i ON one (b, a)", "INSERT INTO one VALUES (0, 'w'), (NULL, x'00')"]
    path = table(tmp_path / "odd ?#%é.db", more)
    assert read(path) == {"one": [(1, "x"), (0, "w"), (None, b"\0")]}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_nothing_is_written_beside_a_database_with_a_log(tmp_path):
    path = table(tmp_path / "a.db", ["PRAGMA journal_mode = WAL"])
    assert read(path) == {"one": [(1, "x")]}
    assert [*tmp_path.iterdir()] == [path]


def test_what_a_log_holds_is_read(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE one (a, b)")
        writer.execute("INSERT INTO one VALUES (2, 'y')")
        writer.commit()
        assert read(path) == {"one": [(2, "y")]}


ENDLESS = "WITH RECURSIVE r(a, b) AS (SELECT 1, 1 UNION ALL SELECT a, b FROM r) SELECT a, b FROM r"


@pytest.mark.parametrize(
    "statements",
    [
        [f"CREATE VIEW one AS {ENDLESS}"],
        ["CREATE VIRTUAL TABLE one USING fts5(a, b)"],
        ["CREATE TABLE one (a, b AS (hex(zeroblob(100000000))))", "INSERT INTO one (a) VALUES (1)"],
        ["CREATE TABLE two (a, b)"],
    ],
    ids=["a view", "a virtual table", "a generated column", "another"],
)
def test_only_tables_are_read(tmp_path, statements):
    path = made(tmp_path / "a.db", *statements)
    with pytest.raises(DataError, match=r"a\.db is not a database of MLflow: it has no table one"):
        read(path)


def test_too_much_is_refused(tmp_path, monkeypatch):
    long = [f"INSERT INTO one VALUES (1, '{'x' * 600}')"]
    monkeypatch.setattr(sqlite, "MAX_BYTES", 1000)
    assert len(read(table(tmp_path / "a.db", long))["one"]) == 2
    with pytest.raises(DataError, match=r"b\.db has more than 0 MB, unpacked"):
        read(table(tmp_path / "b.db", 2 * long))
    with pytest.raises(DataError, match="string or blob too big"):
        read(table(tmp_path / "c.db", [long[0].replace("x", "xx")]))
    monkeypatch.setattr(sqlite, "MAX_ROWS", 1)
    monkeypatch.setattr("palm_bayes.reading.opening.MAX_ROWS", 1)
    with pytest.raises(DataError, match="the table one has 2 rows, allowed are 1"):
        read(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (b"", "is not a database of MLflow: it has no table experiments, runs, params"),
        (b"strategy,labels\n" * 9, "cannot be read as a database of MLflow: file is not a data"),
    ],
)
def test_other_files_are_told(tmp_path, contents, said):
    path = tmp_path / "mlflow.db"
    path.write_bytes(contents)
    with pytest.raises(DataError, match=said):
        read_runs(path)


def test_a_damaged_database_is_told(tmp_path):
    path = table(tmp_path / "a.db")
    path.write_bytes(path.read_bytes()[:4096] + 4096 * b"\xff")
    with pytest.raises(DataError, match="cannot be read as a database of MLflow: database disk"):
        read(path)
