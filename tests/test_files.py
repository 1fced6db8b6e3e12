"""Files that are whole or absent, sets of them that change together, safe names and cells."""

import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm_bayes import files
from palm_bayes.errors import DataError, WriteError

# --- One file


def write(text):
    return lambda path: path.write_text(text, encoding="utf-8")


def full_disk(draft):
    draft.write_text("ne", encoding="utf-8")
    raise OSError("disk full")


def found_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_put_writes_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "numbers.txt"
    files.put(path, write("old"))
    with pytest.raises(DataError, match=r"cannot write .*numbers\.txt: disk full"):
        files.put(path, full_disk)
    assert found_in(path.parent) == {"numbers.txt": "old"}
    files.put(path, write("new"))
    assert found_in(path.parent) == {"numbers.txt": "new"}


def test_what_the_system_refuses_is_one_line(tmp_path):
    with pytest.raises(WriteError, match=r"^cannot write .*aaa: File name too long$"):
        files.put(tmp_path / ("a" * 300), write("new"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users")
def test_a_folder_without_permission_is_one_line(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    user = os.geteuid()
    try:
        if not user:
            os.seteuid(65534)  # root may write anywhere
        with pytest.raises(WriteError, match=r"^cannot write .*new\.txt: Permission denied$"):
            files.put(tmp_path / "closed" / "new.txt", write("new"))
    finally:
        os.seteuid(user)


def test_put_leaves_no_folder_after_an_error(tmp_path):
    with pytest.raises(DataError):
        files.put(tmp_path / "deep" / "deeper" / "numbers.txt", full_disk)
    assert list(tmp_path.iterdir()) == []


def test_put_gives_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    files.put(tmp_path / "ours", Path.touch)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


# --- Places


def test_the_home_folder_is_filled_in(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.as_path("~/fit.nc", "path") == tmp_path / "fit.nc"
    assert files.as_path("a/~b", "path") == Path("a/~b")
    with pytest.raises(DataError, match=r"^path is ~nobody-here/x: "):
        files.as_path("~nobody-here/x", "path")


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b", b"a", None, 3])
def test_what_cannot_be_a_path_is_one_line(path):
    with pytest.raises(DataError, match=r"^out is .*, but must be a path"):
        files.as_path(path, "out")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"style": 3}, "style is of type int, but must be text"),
        ({"size": 6}, "size is 6, but must be a width and a height"),
        ({"size": (6, 0)}, r"size is \(6, 0\), but must be"),
        ({"size": "6x4"}, "size is '6x4', but must be a number"),
        ({"dpi": 0}, "dpi is 0, but must be at least 1"),
        ({"kind": "gif"}, "no format of figures 'gif': there are png, pdf, svg"),
    ],
)
def test_looks_that_cannot_be_are_one_line(options, said):
    with pytest.raises(DataError, match=said):
        files.Look(**options)


def test_check_folder(tmp_path, monkeypatch):
    files.check_folder(tmp_path)
    files.check_folder(tmp_path / "not" / "yet")
    monkeypatch.chdir(tmp_path)
    files.check_folder(Path("not/yet"))
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "file/below", "dangling"):
        with pytest.raises(DataError, match="not a folder"):
            files.check_folder(tmp_path / name)
    assert {p.name for p in tmp_path.iterdir()} == {"file", "dangling"}


def test_check_folder_needs_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root has every permission
    with pytest.raises(DataError, match="no permission to write in"):
        files.check_folder(tmp_path / "new")


@pytest.mark.parametrize("name", ["x" * 256, "ü" * 128, "a/" * 2100])
def test_what_is_too_long_is_found_before(tmp_path, name):
    for place in (tmp_path / name, tmp_path / "new" / name):
        with pytest.raises(DataError, match=r"[Nn]ame too long"):
            files.check_folder(place)
        with pytest.raises(DataError, match=r"[Nn]ame too long"):
            files.check_file(place / "trace.nc")
    files.check_file(tmp_path / ("x" * 255))


def test_a_working_directory_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(DataError, match="cannot write to out"):
        files.check_folder(Path("out"))
    monkeypatch.chdir(tmp_path)


def test_a_link_to_another_folder_is_not_followed(tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "margin").symlink_to(elsewhere)
    name = Path("margin", "y_fit.npy")
    for attempt in (files.check_files, lambda *_: files.put_all(out, {name: write("")})):
        with pytest.raises(DataError, match="margin is a symbolic link, which is not followed"):
            attempt(out, [name])
    assert found_in(tmp_path) == {}


def test_a_link_in_place_of_a_file_is_replaced(tmp_path):
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    (tmp_path / "numbers.txt").symlink_to(tmp_path / "mine")
    files.put(tmp_path / "numbers.txt", write("new"))
    assert found_in(tmp_path) == {"mine": "mine", "numbers.txt": "new"}


# --- Sets of files

SET = {"trace": "old", "curves": "old", "margin/y": "old"}
NEXT = {"trace": "new", "curves": "new", "random/y": "new"}


def put(out, texts, gone=()):
    named = {Path(name): write(text) for name, text in texts.items()}
    return files.put_all(out, named, lambda: [Path(name) for name in gone])


def test_a_set_replaces_another(tmp_path):
    out = tmp_path / "out"
    put(out, SET)
    (out / "margin" / "mine").write_text("mine", encoding="utf-8")
    assert put(out, NEXT, gone=SET) == [out / name for name in NEXT]
    assert found_in(out) == NEXT | {"margin/mine": "mine"}
    put(out, SET, gone=NEXT)
    assert found_in(out) == SET | {"margin/mine": "mine"}
    assert not (out / "random").exists()


def test_a_set_is_written_whole_or_not_at_all(tmp_path):
    out = tmp_path / "out"
    for before in ({}, SET):
        drafts = {Path("trace"): write("new"), Path("random/y"): full_disk}
        with pytest.raises(DataError, match=r"cannot write .*out: disk full"):
            files.put_all(out, drafts, lambda: map(Path, SET))
        assert found_in(tmp_path) == {f"out/{name}": text for name, text in before.items()}
        assert out.exists() == bool(before)
        assert not (out / "random").exists()
        put(out, SET)


@pytest.mark.parametrize("error", [OSError("no permission"), KeyboardInterrupt()])
@pytest.mark.parametrize("moves", range(6))
def test_an_error_while_files_are_exchanged_undoes_it(tmp_path, monkeypatch, moves, error):
    put(tmp_path, SET)
    replace, left = Path.replace, [moves + 3]  # three drafts: the plan, its file

    def failing(source, target):
        if ".palm_bayes" in str(source) and "plan" in str(source):
            return replace(source, target)
        left[0] -= 1
        if left[0] == 2:
            raise error
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises((DataError, KeyboardInterrupt)):
        put(tmp_path, NEXT, gone=SET)
    monkeypatch.undo()
    assert found_in(tmp_path) == SET
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves", "margin", "trace"]


def test_files_that_must_be_kept(tmp_path):
    put(tmp_path, SET)

    def kept():
        raise DataError("another's")

    with pytest.raises(DataError, match="another's"):
        files.put_all(tmp_path, {Path("trace"): write("new")}, kept)
    assert found_in(tmp_path) == SET


def test_a_folder_that_vanishes(tmp_path):
    out = tmp_path / "out"

    def vanish(_):
        shutil.rmtree(out)

    with pytest.raises(DataError, match="cannot write"):
        files.put_all(out, {Path("a"): vanish, Path("b"): write("b")})
    assert list(tmp_path.iterdir()) == []


# --- Names


def test_names_of_files_are_apart_and_inside(tmp_path):
    names = [
        "margin",
        "Margin",
        "a/b",
        "a_b",
        "..",
        ".",
        "",
        "trace.nc",
        "größe",
        "CON\n",
        "gro\u0308ße",
    ]
    found = files.file_names(names, taken=["trace.nc"])
    assert list(found) == names
    assert found["margin"] == "margin"
    assert found["größe"] == "größe"
    assert len({name.casefold() for name in found.values()}) == len(names)
    assert "trace.nc" not in found.values()
    for name in found.values():
        assert (tmp_path / name).resolve().parent == tmp_path.resolve()
        assert name


@pytest.mark.parametrize("name", ["margin", "random_b50", "typi-clust", "β-k.means", "a@b", "CONE"])
def test_a_name_that_reads_well_stays(name):
    assert files.file_names([name]) == {name: name}


@pytest.mark.parametrize("name", ["CON", "nul", "Com1", "LPT9.txt", "aux.", "COM¹", "PRN.a.b"])
def test_names_of_devices(name):
    assert files.file_names([name])[name] == f"_{name}".rstrip(".")


def test_long_names_are_shortened_and_apart(tmp_path):
    names = [start * 300 + end for start in ("x", "ü", "漢") for end in ("", "1", "2")]
    found = files.file_names(names)
    assert len({*found.values()}) == len(names)
    for name in found.values():
        assert len(name.encode()) <= 100
        (tmp_path / name).mkdir()


@given(st.lists(st.text(st.characters(), max_size=120), max_size=5))
def test_any_name_is_safe(names):
    found = files.file_names(names)
    assert len({name.casefold() for name in found.values()}) == len({*names})
    for name in found.values():
        assert 0 < len(name.encode()) <= 110
        assert not {*name} & {*'/\\:*?"<>|', *map(chr, range(32))}
        assert name[0] != "."
        assert name[-1] not in ". "


# --- Cells


@pytest.mark.parametrize("name", ["=1+1", "+1", "-x", "@sum", "\tx", "\rx", "'=x", "''-", "＝x"])
def test_formulas_are_marked(name):
    marked = files.cell(name)
    assert marked == f"'{name}"
    assert files.uncell(marked) == name


@pytest.mark.parametrize("value", ["margin", "'tis", "", "a=b", -1.5, -1, None, True])
def test_what_is_no_formula_stays(value):
    assert files.cell(value) is value
    assert files.uncell(value) is value


@given(st.text())
def test_marks_can_be_removed(text):
    assert files.uncell(files.cell(text)) == text
    assert not files.cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_csv_has_the_digits():
    numbers = pd.DataFrame({"strategy": ["a,b"], "median": [0.123456789], "lower": [float("inf")]})
    assert pd.read_csv(io.StringIO(files.csv_text(numbers))).to_dict("records") == [
        {"strategy": "a,b", "median": pytest.approx(0.12345679), "lower": float("inf")}
    ]


def test_tables_mark_text_only():
    frame = pd.DataFrame(
        {
            "@name": ["=1+1", "ok", None],
            "kind": pd.Categorical(["-a", "-a", "b"]),
            "number": [-1.0, np.nan, 123456789.123],
            "mixed": [-1, "-1", 2.5],
        }
    )
    assert files.csv_text(frame) == (
        "'@name,kind,number,mixed\n'=1+1,'-a,-1,-1\nok,'-a,,'-1\n,b,1.2345679e+08,2.5\n"
    )
    assert files.csv_rows([["=a", -1, "-0.5"]]) == "'=a,-1,'-0.5\r\n"


def test_plain_is_json():
    values = {"a": np.float64("nan"), "b": np.int64(3), "c": np.bool_(True), "d": -np.inf, "e": ""}
    expected = {"a": None, "b": 3, "c": True, "d": None, "e": ""}
    assert json.loads(json.dumps(files.plain(values), allow_nan=False)) == expected


def test_a_device_or_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path / "pipe", "not a regular file"), (tmp_path, "a folder")):
        for attempt in (files.check_file, lambda path: files.put(path, write("new"))):
            with pytest.raises(DataError, match=f"it is {what}"):
                attempt(path)
