"""Files that claim or unpack to any size, wait for ever, are damaged, or would run code."""

import gzip
import io
import json
import os
import pickle
import re
import socket
import zipfile

import numpy as np
import pandas as pd
import pytest

from palm_bayes.errors import DataError
from palm_bayes.reading import opening
from palm_bayes.reading.read import read_runs
from palm_bayes.reading.run_names import Y_FILE

HEADER = "strategy,repetition,labels,accuracy\n"


def refused(source, words, **options):
    with pytest.raises(DataError, match=words) as caught:
        read_runs(source, **options)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 4000
    return said


def written(path, contents):
    path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    return path


def npy(header):
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


# --- what is no file


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "runs.csv")
    refused(tmp_path / "runs.csv", r"runs\.csv is not a regular file")
    refused(tmp_path, r"no runs found, .* there is runs\.csv \(no regular file\)")


def test_a_socket_and_a_folder_named_as_tables_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("runs.json")
        refused("runs.json", "is not a regular file")
    (tmp_path / "runs.csv").mkdir()
    refused(tmp_path / "runs.csv", "no runs found")


def test_a_device_is_refused(tmp_path):
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    refused(tmp_path / "zero.csv", "is not a regular file")


def test_loops_of_links_are_refused(tmp_path):
    (tmp_path / "a.csv").symlink_to("b.csv")
    (tmp_path / "b.csv").symlink_to("a.csv")
    refused(tmp_path / "a.csv", r"a\.csv is a link that leads nowhere")
    inside = tmp_path / "base" / "below"
    inside.mkdir(parents=True)
    (inside / "up").symlink_to(tmp_path / "base", target_is_directory=True)
    refused(tmp_path / "base", "no runs found")


@pytest.mark.parametrize(
    "place", ["a\0b.csv", "a" * 5000 + ".csv", "~no-such-user/x.csv"], ids=["zero", "long", "home"]
)
def test_names_that_no_file_can_have_are_refused(place):
    refused(place, "does not exist|cannot be read")


# --- sizes


@pytest.mark.parametrize("name", ["runs.csv.gz", "runs.json.gz", "runs.jsonl.gz", "runs.tsv.gz"])
def test_small_archives_of_large_texts_are_refused(tmp_path, name):
    bomb = gzip.compress(b"\n" * (opening.MAX_BYTES + 1))
    assert len(bomb) < 100_000
    refused(written(tmp_path / name, bomb), "has more than [25]0 MB, unpacked: read it by pandas")


@pytest.mark.parametrize("name", ["runs.npz", "runs.xlsx", "runs.ods"])
def test_small_archives_of_large_members_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("margin.npy", bytes(opening.MAX_BYTES + 1))
    refused(tmp_path / name, "has more than 50 MB")


def test_large_files_are_refused_before_they_are_read(tmp_path):
    with (tmp_path / "runs.csv").open("wb") as sparse:
        sparse.truncate(10**12)
    refused(tmp_path / "runs.csv", "has more than 50 MB")


@pytest.mark.parametrize(
    ("name", "contents", "words"),
    [
        ("runs.csv", "\n" * (opening.MAX_ROWS + 1), "1,000,00[12] rows, allowed are 1,000,000"),
        ("runs.csv", "," * (opening.MAX_COLUMNS + 1), "20,002 columns, allowed are 20,000"),
        ("runs.csv", '"\n",' * (opening.MAX_COLUMNS + 1), "20,002 columns"),
        ("runs.csv", "\n" * 10**5 + "," * 100, "10,100,101 cells, allowed are 5,000,000"),
        ("runs.json", json.dumps([{f"c{i}": 1 for i in range(20_001)}]), "20,001 columns"),
        ("runs.json", json.dumps({"m": [[0.5]] * 20_001}), "20,001 columns"),
        ("runs.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10**9,)}"), "read"),
    ],
    ids=range(7),
)
def test_tables_too_large_for_memory_are_refused(tmp_path, name, contents, words):
    refused(written(tmp_path / name, contents), words)


def test_an_array_of_many_runs_is_refused(tmp_path):
    np.save(tmp_path / "runs.npy", np.full((20_001, 5), 0.5, "f2"))
    refused(tmp_path / "runs.npy", "20,001 columns")


def test_parquet_of_texts_that_are_not_in_utf8_is_refused(tmp_path):
    """Found by benchmarks/fuzz.py."""
    frame = pd.DataFrame({"strategy": ["margin"] * 4, "labels": range(1, 5), "accuracy": 0.5})
    frame.to_parquet(tmp_path / "a.parquet", compression=None)
    contents = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(contents.replace(b"margin", b"m\xf2rgin"))
    refused(tmp_path / "a.parquet", "cannot be read")


def test_parquet_that_says_little_often_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"accuracy": np.zeros(opening.MAX_ROWS + 1)}).to_parquet(tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    refused(tmp_path / "a.parquet", "1,000,001 rows")


@pytest.mark.parametrize("source", ["deep.json", "dict"])
def test_deep_nesting_is_refused(tmp_path, source):
    text = '{"a": ' * 100 + "{}" + "}" * 100
    if source == "dict":
        refused(json.loads(text), "nested more than 8 deep|holds no lists|is empty")
        return
    refused(written(tmp_path / source, text), "deep|no lists|is empty")
    refused(written(tmp_path / source, "[" * 10**6), "cannot be read as JSON")


def test_overlong_names_are_refused(tmp_path):
    refused(written(tmp_path / "runs.csv", "_" * 10**5 + ",x\n1,2\n"), "a name has 100,000")
    refused({"1" * 10**5: [0.1, 0.2]}, "a name has 100,000 characters, allowed are 500")
    for word in ("strategy", "repetition"):
        frame = pd.DataFrame({"strategy": "a", "labels": [10, 20], "accuracy": [0.5, 0.6]})
        refused(
            frame.assign(**{word: "a b " * 10**4}), f"{word} has 39,999 characters, allowed are"
        )


def test_what_is_a_table_is_read_with_a_byte_order_mark(tmp_path):
    rows = "".join(f"margin,1,{10 * i},{0.1 * i}\n" for i in range(1, 6))
    path = written(tmp_path / "runs.csv", "\ufeff" + HEADER + rows)
    assert read_runs(path).strategies == ("margin",)
    windows = written(tmp_path / "windows.csv", (HEADER + rows).replace("\n", "\r\n"))
    assert read_runs(windows).sha256() == read_runs(path).sha256()


def test_places_that_are_no_paths(tmp_path, monkeypatch):
    frame = pd.DataFrame({"strategy": "a", "labels": [10, 20], "accuracy": [0.5, 0.6]})
    refused([frame, frame], "a path is of type DataFrame, .* are joined by pd.concat, or given as")
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "runs.csv", HEADER + "margin,1,10,0.5\n")
    for source in ("", [""]):
        refused(source, "the path is empty: name a file or a folder, such as '.' for this one")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz"])
def test_a_name_that_is_twice_in_json_is_refused(tmp_path, name):
    text = '{"margin": [0.1, 0.2, 0.3, 0.4], "margin": [0.2, 0.3, 0.4, 0.5]}'
    packed = gzip.compress(text.encode()) if name.endswith("gz") else text
    said = refused(
        written(tmp_path / name, packed), "cannot be read as JSON.* twice: rename one, or"
    )
    assert f"{name} cannot be read as JSON" in said
    assert "a mapping has the name margin twice" in said
    lines = '{"strategy": "a", "labels": 1}\n{"labels": 1, "labels": 2}'
    refused(written(tmp_path / "b.jsonl", lines), "line 2: a mapping has the name labels twice")


# --- damage


DAMAGED = [
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,"),  # TokenError
    npy("{'descr': [('a', '<f8', 1, 2, 3)], 'fortran_order': False, 'shape': (3,)}"),
    npy("{'descr': 3, 'fortran_order': False, 'shape': (3,)}"),  # TypeError
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000000000000,)}"),
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}"),
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"),
    npy("(" * 5000),
    npy("[1]"),
    b"\x93NUMPY\xff\xff",
    b"",
]


@pytest.mark.parametrize("contents", DAMAGED, ids=range(len(DAMAGED)))
@pytest.mark.parametrize("form", ["npy", "npz", "folder"])
def test_damaged_arrays_are_one_line(tmp_path, contents, form):
    path = tmp_path / f"margin.{form}"
    if form == "folder":
        path = tmp_path
        (path / "margin_1").mkdir()
        written(path / "margin_1" / Y_FILE, contents)
    elif form == "npz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("margin.npy", contents)
    else:
        written(path, contents)
    refused(path, "cannot be read|holds|has shape")


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("a.json", "1" * 5000),
        ("a.json", '{"a": [' + "1" * 5000 + "]}"),
        ("a.json", '[{"a": 1}, 2]'),
        ("a.json", b"\xff\xfe\x00"),
        ("a.csv", b"a,b\n\xff,1\n"),
        ("a.csv", 'a,b\n"1,2\n'),
        ("a.csv", "a,b\n1,2,3,4\n"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 100)[:-12]),
        ("a.csv.gz", b"no gzip"),
        ("a.npz", b"PK\x05\x06" + bytes(18)),
        ("a.parquet", b"PAR1" + bytes(40) + b"PAR1"),
        ("a.xls", b"\xd0\xcf\x11\xe0"),
    ],
    ids=range(12),
)
def test_damaged_files_are_one_line(tmp_path, name, contents):
    refused(written(tmp_path / name, contents), r"a\.")


@pytest.mark.parametrize(
    ("name", "contents", "words"),
    [
        ("a.npy", npy("{'descr': '<f8', 'shape': (10**9**9,)}\n"), "its header is damaged"),
        ("a.npy", npy("[" * 8000 + "\n"), "its header is damaged"),
        ("a.npy", npy("[" * 20_000 + "\n"), "its header is too long"),
        ("a.json", '[{"strategy": "\\ud800", "labels": 1}]', "a text has half of a pair of charac"),
        ("a.json", '[{"labels": ' + "1" * 5000 + "}]", "a whole number has more than 4,300 digits"),
    ],
)
def test_what_parsers_say_is_understood(tmp_path, name, contents, words):
    refused(written(tmp_path / name, contents), words)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_marks_tell_the_encoding(tmp_path, encoding):
    lines = HEADER + "".join(f"café,1,{20 * i},0.{i}\n" for i in range(1, 6))
    path = written(tmp_path / "a.csv", lines.encode(encoding))
    assert read_runs(path).strategies == ("café",)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_encodings_without_their_mark_are_named(tmp_path, encoding):
    path = written(tmp_path / "a.csv", (HEADER + "margin,1,20,0.1\n").encode(encoding))
    refused(path, f"is in {encoding[:6].upper()} without its mark: save it in UTF-8")
    if "32" in encoding:
        contents = "策略,標籤\n".encode(encoding)
        refused(written(path, contents), "is in UTF-32 without its mark")


class Executed:
    def __reduce__(self):
        return (os.mkdir, ("executed",))


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "folder", "a.json", "a.csv"])
def test_pickles_are_never_loaded(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    array, buffer = np.array([Executed()], dtype=object), io.BytesIO()
    if name == "a.npz":
        np.savez(buffer, margin=array)
    elif name in {"a.npy", "folder"}:
        np.save(buffer, array)
    else:
        buffer.write(pickle.dumps(Executed()))
    path = tmp_path / name
    if name == "folder":
        (path / "margin_1").mkdir(parents=True)
        written(path / "margin_1" / Y_FILE, buffer.getvalue())
    else:
        written(path, buffer.getvalue())
    refused(path, "cannot be read")
    assert not (tmp_path / "executed").exists()


def test_names_in_archives_are_no_paths(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        buffer = io.BytesIO()
        np.save(buffer, np.linspace(0.2, 0.8, 6))
        archive.writestr("../../escaped.npy", buffer.getvalue())
        archive.writestr("labels.npy", buffer.getvalue())
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(DataError):
        read_runs(tmp_path / "a.npz")
    assert sorted(tmp_path.parent.rglob("*")) == before


# --- quotes and counts


def test_a_long_cell_is_not_echoed_whole(tmp_path):
    cell = "1" * 200_000
    path = written(tmp_path / "runs.csv", f"{HEADER}margin,1,10,{cell}\nmargin,1,20,0.5\n")
    said = refused(path, r"200,0\d\d characters")
    assert str(path) in said
    assert re.search("line 2, strategy margin", said)


def test_thousands_of_folders_are_one_frame(tmp_path, monkeypatch):
    """A frame for each took 3 ms, and the search for folders left out was quadratic."""
    made = []
    real = pd.DataFrame.__init__
    monkeypatch.setattr(
        pd.DataFrame, "__init__", lambda self, *a, **k: made.append(1) or real(self, *a, **k)
    )
    counts = []
    for number in (5, 50):
        base = tmp_path / str(number)
        for i in range(1, number + 1):
            (base / f"margin_{i}").mkdir(parents=True)
            np.save(base / f"margin_{i}" / Y_FILE, np.linspace(30, 60, 6))
        made.clear()
        assert len(read_runs(base).table) == 6 * number
        counts.append(len(made))
    assert counts[0] == counts[1]


CURVE = [0.5, 0.6, 0.65, 0.7, 0.72, 0.75]
LONG = HEADER + "".join(f"margin,1,{20 * i},{y}\n" for i, y in enumerate(CURVE, 1))


@pytest.mark.parametrize("row", ["margin,1,1", "marg", '"margin",1,1'])
def test_a_last_row_cut_in_the_middle_is_left_out(tmp_path, row):
    file = written(tmp_path / "runs.csv", LONG + row)
    runs = read_runs(file)
    assert runs.table["labels"].max() == 120
    cells = row.count(",") + 1
    assert f"line 8 of {file} is cut off ({cells} of 4 cells, no line end)" in runs.notes[0]
    semicolons = written(tmp_path / "german.csv", (LONG + row).replace(",", ";"))
    assert len(read_runs(semicolons).table) == 6


def test_a_last_row_without_its_last_columns_is_not_read_at_face_value(tmp_path):
    text = LONG.replace("\n", ",9\n").replace("accuracy,9", "accuracy,pool")
    runs = read_runs(written(tmp_path / "runs.csv", text + "margin,1,140,0"))
    assert runs.table["accuracy"].tolist() == CURVE


def test_a_last_row_is_whole_without_a_line_end(tmp_path):
    kept = [
        LONG.rstrip(),
        LONG.replace("labels", '"no\nte",labels').replace("1,", '1,"a\nb",').rstrip(),
        LONG.replace("accuracy", "accuracy,note").rstrip(),  # every row is short
        LONG + "  ",
    ]
    for text in kept:
        runs = read_runs(written(tmp_path / "runs.csv", text))
        assert len(runs.table) == 6
        assert "cut off" not in " ".join(runs.notes)
    ragged = written(tmp_path / "ragged.csv", "0.5,0.6,0.7,0.8,0.85,0.9\n0.5,0.6,0.7,0.8,0.85")
    assert len(read_runs(ragged).table) == 11


def test_a_cell_beyond_the_limit_of_csv_is_read_without_a_line_end(tmp_path):
    rows = "".join(f"\nmargin,1,{20 * i},{y},{'x' * 200_000}" for i, y in enumerate(CURVE, 1))
    file = written(tmp_path / "runs.csv", HEADER.rstrip() + ",note" + rows)
    assert read_runs(file).table["accuracy"].tolist() == CURVE
