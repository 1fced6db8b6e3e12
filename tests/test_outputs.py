"""Parts of `outputs` on their own; what a whole fit writes is in test_cli.py."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from palm_bayes import outputs
from palm_bayes.errors import DataError
from palm_bayes.runs import Runs


def test_put_writes_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "numbers.txt"
    outputs._put(path, lambda p: p.write_text("old", encoding="utf-8"))

    def fail(draft):
        draft.write_text("ne", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        outputs._put(path, fail)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(path.parent.iterdir()) == [path]
    outputs._put(path, lambda p: p.write_text("new", encoding="utf-8"))
    assert path.read_text(encoding="utf-8") == "new"


def test_put_gives_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    outputs._put(tmp_path / "ours", Path.touch)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_check_folder(tmp_path, monkeypatch):
    outputs.check_folder(tmp_path)
    outputs.check_folder(tmp_path / "not" / "yet")
    monkeypatch.chdir(tmp_path)
    outputs.check_folder(Path("not/yet"))
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "file/below", "dangling"):
        with pytest.raises(DataError, match="not a folder"):
            outputs.check_folder(tmp_path / name)
    assert {p.name for p in tmp_path.iterdir()} == {"file", "dangling"}


def test_check_folder_needs_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root has every permission
    with pytest.raises(DataError, match="no permission to write in"):
        outputs.check_folder(tmp_path / "new")


def test_folders_are_apart_and_inside(tmp_path):
    strategies = ["margin", "Margin", "a/b", "a_b", "..", ".", "", "trace.nc", "größe", "CON\n"]
    names = outputs.folders(strategies)
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
    assert json.loads(json.dumps(outputs.plain(values), allow_nan=False)) == expected


class Frames:
    """Stand-in for a forecast: its frame is all that coverage needs."""

    def __init__(self, frame):
        self.frame = frame

    def to_frame(self):
        return self.frame


@pytest.mark.parametrize("scale", [1, 100])
def test_coverage(scale):
    rows = [
        (strategy, repetition, episode)
        for strategy in ("b", "a")
        for repetition in (1, 2)
        for episode in range(1, 9)
    ]
    table = pd.DataFrame(rows, columns=["strategy", "repetition", "episode"])
    later = table["episode"] > 4
    # Of the later points b's first repetition lies in all bands, its second in the 95 % band
    # only; a's points in none.
    off = np.select([table["strategy"] == "a", table["repetition"] == 2], [0.3, 0.15], default=0.01)
    truth = Runs.from_frame(table.assign(accuracy=scale * np.where(later, 0.5 + off, 0.4)))
    bands = {"25": 0.05, "75": 0.05, "10": 0.1, "90": 0.1, "2.5": 0.2, "97.5": 0.2}
    frame = table.assign(future=later, repetition=table["repetition"].astype(str))
    for q, width in bands.items():
        frame[f"q{q}"] = scale * (0.5 + (width if float(q) > 50 else -width))
    found = outputs.coverage(Frames(frame), truth)
    assert list(found.index) == ["b", "a", "all"]
    assert list(found.columns) == ["points", "50 %", "80 %", "95 %"]
    assert found.loc["b"].tolist() == [8, 0.5, 0.5, 1.0]
    assert found.loc["a"].tolist() == [8, 0.0, 0.0, 0.0]
    assert found.loc["all"].tolist() == [16, 0.25, 0.25, 0.5]


def test_coverage_leaves_out_what_was_not_observed():
    table = pd.DataFrame({"strategy": "a", "repetition": "1", "episode": range(1, 6)})
    truth = Runs.from_frame(table.assign(accuracy=0.5))
    frame = pd.DataFrame({"strategy": "a", "repetition": "1", "episode": range(4, 9)})
    frame["future"] = frame["episode"] > 4
    for q in ("25", "75", "10", "90", "2.5", "97.5"):
        frame[f"q{q}"] = 0.5
    assert outputs.coverage(Frames(frame), truth)["points"].tolist() == [1, 1]
