"""Parts kept on disk: whole, exact, and never mixed with those of other settings."""

import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from palm_bayes.errors import DataError
from palm_bayes.evaluation.checkpoints import Checkpoints, alone_in

SETTINGS = {"seed": 0, "data": "abc"}
PART = {
    "forecasts": pd.DataFrame({"q50": [0.1 + 0.2, 1 / 3], "repetition": ["", "2"]}),
    "scores": pd.DataFrame({"crps": [math.pi, math.nan], "passed": [True, None]}),
}


def test_parts_come_back_as_they_were(tmp_path):
    kept = Checkpoints.open(tmp_path / "out" / "cells", SETTINGS)
    assert kept.get("one") is None
    kept.keep("one", PART)
    again = Checkpoints.open(tmp_path / "out" / "cells", dict(SETTINGS))
    for name, frame in again.get("one").items():
        pd.testing.assert_frame_equal(frame, PART[name], check_exact=True)
    columns = again.columns("one")
    assert columns["forecasts"] == PART["forecasts"].to_dict("list")
    assert columns["scores"]["passed"] == [True, None]
    assert again.get("another\nname/with slashes") is again.columns("another") is None


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = Checkpoints.open(None, SETTINGS)
    kept.keep("one", PART)
    assert kept.get("one") is None
    assert list(tmp_path.iterdir()) == []


def test_other_settings_are_refused(tmp_path):
    Checkpoints.open(tmp_path, SETTINGS).keep("one", PART)
    with pytest.raises(DataError, match=r"\(seed was 0, is 1\): start again with fresh"):
        Checkpoints.open(tmp_path, {**SETTINGS, "seed": 1})
    with pytest.raises(DataError, match="draws was None, is 7"):
        Checkpoints.open(tmp_path, {**SETTINGS, "draws": 7})


def test_settings_within_others_are_told_alone(tmp_path):
    settings = {**SETTINGS, "asked": {"target": None, "assurance": 0.8}}
    Checkpoints.open(tmp_path, settings).keep("one", PART)
    with pytest.raises(DataError, match=r"\(target was None, is 0.9\): start again"):
        Checkpoints.open(tmp_path, {**settings, "asked": {"target": 0.9, "assurance": 0.8}})


def test_other_data_are_told_in_words(tmp_path):
    Checkpoints.open(tmp_path, {**SETTINGS, "data": "ff7b3b8611fc"}).keep("one", PART)
    with pytest.raises(DataError, match=r"\(the data are others: .*\): start again") as caught:
        Checkpoints.open(tmp_path, {**SETTINGS, "data": "ec5b924dc871"})
    assert "ff7b3b8611fc" not in str(caught.value)


def test_settings_without_parts_are_replaced(tmp_path):
    Checkpoints.open(tmp_path, SETTINGS)
    Checkpoints.open(tmp_path, {**SETTINGS, "seed": 1}).keep("one", PART)
    with pytest.raises(DataError, match="seed was 1, is 0"):
        Checkpoints.open(tmp_path, SETTINGS)


def test_a_late_job_of_a_killed_command_does_not_mix_settings(tmp_path):
    late = Checkpoints.open(tmp_path, SETTINGS)
    kept = Checkpoints.open(tmp_path, {**SETTINGS, "seed": 1}, fresh=True)
    late.keep("one", PART)
    assert kept.get("one") is None


def test_fresh_removes_parts_and_nothing_else(tmp_path):
    Checkpoints.open(tmp_path, SETTINGS).keep("one", PART)
    (tmp_path / "mine.json").write_text("{}")
    other = {**SETTINGS, "seed": 1}
    kept = Checkpoints.open(tmp_path, other, fresh=True)
    assert kept.get("one") is None
    assert {file.name for file in tmp_path.iterdir()} == {"drafts", "mine.json", "settings.json"}
    Checkpoints.open(tmp_path, other)


@pytest.mark.parametrize("text", ["", "[]", '{"tables": 3}', '{"tables": {"a": {"b": 1}}}'])
def test_a_broken_part_is_named(tmp_path, text):
    kept = Checkpoints.open(tmp_path, SETTINGS)
    kept.keep("one", PART)
    (part,) = tmp_path.glob("*.part.json")
    part.write_text(text)
    for read in (kept.get, kept.columns):
        with pytest.raises(DataError, match=r"part\.json cannot be read .*: remove it"):
            read("one")


def test_a_part_is_written_without_listing_the_others(tmp_path, monkeypatch):
    """Listing a folder of all parts for each of them takes the square of their number."""
    kept, listed = Checkpoints.open(tmp_path, SETTINGS), []
    find = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, words: listed.append(self) or find(self, words))
    kept.keep("one", PART)
    assert listed == [tmp_path / "drafts"]
    assert list((tmp_path / "drafts").iterdir()) == []


def test_drafts_of_the_dead_are_removed(tmp_path):
    dead = tmp_path / "drafts" / ".palm_bayes-dead"
    dead.mkdir(parents=True)
    (dead / "lock").touch()
    kept = Checkpoints.open(tmp_path, SETTINGS)
    kept.keep("one", PART)
    assert list((tmp_path / "drafts").iterdir()) == []
    assert kept.has("one")


def test_broken_settings_are_named(tmp_path):
    Checkpoints.open(tmp_path, SETTINGS).keep("one", PART)
    (tmp_path / "settings.json").write_text("no")
    with pytest.raises(DataError, match=r"settings\.json cannot be read"):
        Checkpoints.open(tmp_path, SETTINGS)


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "cells").write_text("")
    with pytest.raises(DataError, match="is not a folder"):
        Checkpoints.open(tmp_path / "cells", SETTINGS)


def test_two_processes_do_not_work_in_one_folder(tmp_path):
    """And a killed one leaves no lock behind."""
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from palm_bayes.evaluation.checkpoints import alone_in\n"
        "with alone_in(Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "in\n"
        with (
            pytest.raises(DataError, match="another process is using"),
            alone_in(tmp_path / "out"),
        ):
            pass
        other.kill()
    with alone_in(tmp_path / "out"):
        pass
    with alone_in(None):
        pass
