"""Parts of `report.export` on their own; what a whole fit writes is in cli/test_app.py."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from palm_bayes.errors import DataError
from palm_bayes.report import export


def test_put_writes_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "numbers.txt"
    export._put(path, lambda p: p.write_text("old", encoding="utf-8"))

    def fail(draft):
        draft.write_text("ne", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(DataError, match=r"cannot write .*numbers\.txt: disk full"):
        export._put(path, fail)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(path.parent.iterdir()) == [path]
    export._put(path, lambda p: p.write_text("new", encoding="utf-8"))
    assert path.read_text(encoding="utf-8") == "new"


def test_put_gives_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    export._put(tmp_path / "ours", Path.touch)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_check_folder(tmp_path, monkeypatch):
    export.check_folder(tmp_path)
    export.check_folder(tmp_path / "not" / "yet")
    monkeypatch.chdir(tmp_path)
    export.check_folder(Path("not/yet"))
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "file/below", "dangling"):
        with pytest.raises(DataError, match="not a folder"):
            export.check_folder(tmp_path / name)
    assert {p.name for p in tmp_path.iterdir()} == {"file", "dangling"}


def test_check_folder_needs_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root has every permission
    with pytest.raises(DataError, match="no permission to write in"):
        export.check_folder(tmp_path / "new")


def test_folders_are_apart_and_inside(tmp_path):
    strategies = ["margin", "Margin", "a/b", "a_b", "..", ".", "", "trace.nc", "größe", "CON\n"]
    names = export.folders(strategies)
    assert list(names) == strategies
    assert names["margin"] == "margin"
    assert names["größe"] == "größe"
    assert len({name.casefold() for name in names.values()}) == len(strategies)
    assert "trace.nc" not in names.values()
    for name in names.values():
        assert (tmp_path / name).resolve().parent == tmp_path.resolve()
        assert name


def test_plain_is_json():
    values = {"a": np.float64("nan"), "b": np.int64(3), "c": np.bool_(True), "d": -np.inf, "e": ""}
    expected = {"a": None, "b": 3, "c": True, "d": None, "e": ""}
    assert json.loads(json.dumps(export.plain(values), allow_nan=False)) == expected
