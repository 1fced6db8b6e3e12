"""The example runs: what they hold, and how they are written out."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data import example, example_runs_path, write_example
from palm_bayes.errors import DataError

STRATEGIES = ["random", "least_confidence", "margin", "entropy", "coreset", "typiclust"]
KEY = ["strategy", "repetition"]


@pytest.fixture(scope="module")
def runs():
    return pd.read_csv(example_runs_path())


def content(folder):
    """Return every path below a folder with its bytes (None for a folder)."""
    paths = sorted(folder.rglob("*"))
    return {p.relative_to(folder): p.read_bytes() if p.is_file() else None for p in paths}


def test_table_is_complete(runs):
    assert list(runs.columns) == ["dataset", "model", *KEY, "episode", "labels", "accuracy"]
    assert runs.dataset.unique().tolist() == ["digits"]
    assert runs.model.unique().tolist() == ["logistic"]
    cells = runs[[*KEY, "episode"]].itertuples(index=False, name=None)
    assert list(cells) == list(itertools.product(STRATEGIES, range(1, 6), range(1, 31)))


def test_labels_are_cumulative(runs):
    assert (runs.labels == 20 * runs.episode).all()


def test_accuracies_are_counts_of_500(runs):
    counts = (runs.accuracy * 500).round()
    assert counts.between(0, 500).all()
    np.testing.assert_array_equal(runs.accuracy, counts / 500)


def test_repetitions_share_the_first_batch_except_typiclust(runs):
    first = runs[(runs.episode == 1) & (runs.strategy != "typiclust")]
    starts = first.pivot_table(index="strategy", columns="repetition", values="accuracy")
    assert (starts == starts.loc["random"]).all(axis=None)
    assert starts.loc["random"].is_unique


def test_folders_agree_with_the_table(runs):
    folders = {p.name for p in (example_runs_path().parent / "digits").iterdir()}
    assert folders == {f"{s}_{r}" for s, r in itertools.product(STRATEGIES, range(1, 6))}
    for (strategy, repetition), cell in runs.groupby(KEY):
        folder = example_runs_path().parent / "digits" / f"{strategy}_{repetition}"
        labels = np.load(folder / "plot_episode_xvalues.npy")
        accuracy = np.load(folder / "plot_episode_yvalues.npy")
        assert labels.shape == accuracy.shape == (30,)
        assert accuracy.dtype == np.float64
        np.testing.assert_array_equal(labels, cell.labels)
        np.testing.assert_array_equal(accuracy, cell.accuracy)


@pytest.mark.parametrize("place", ["new", "new/and/deep", "empty", "used"])
def test_write_example(tmp_path, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    target = tmp_path / place

    written = write_example(target)

    assert written == [target / "digits", target / "runs.csv"]
    unrelated = {"notes.txt"} if place == "used" else set()
    assert {p.name for p in target.iterdir()} == {"digits", "runs.csv"} | unrelated
    shipped = content(example_runs_path().parent)
    ours = {p: b for p, b in content(target).items() if p != Path("notes.txt")}
    assert ours == {p: b for p, b in shipped.items() if p.parts[0] in {"digits", "runs.csv"}}
    beside = {p.name for p in target.parent.iterdir() if p.name.startswith(".")}
    assert not beside


def test_written_folder_is_as_open_as_any_new_one(tmp_path):
    (tmp_path / "plain").mkdir()
    write_example(tmp_path / "example")
    assert (tmp_path / "example").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("name", ["runs.csv", "digits"])
def test_refuses_to_overwrite(tmp_path, name):
    (tmp_path / name).write_text("mine")
    before = content(tmp_path)
    with pytest.raises(DataError, match=rf"{name} exists .* name another folder"):
        write_example(tmp_path)
    assert content(tmp_path) == before


def test_refuses_a_dangling_link(tmp_path):
    (tmp_path / "runs.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is not overwritten"):
        write_example(tmp_path)


@pytest.mark.parametrize("below", ["", "below"])
def test_refuses_a_file_for_a_folder(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="file is not a folder"):
        write_example(tmp_path / "file" / below)
    assert content(tmp_path) == {Path("file"): b"mine"}


@pytest.mark.parametrize("exists", [True, False])
def test_a_failed_copy_leaves_nothing(tmp_path, monkeypatch, exists):
    target = tmp_path / "example"
    if exists:
        target.mkdir()
    before = content(tmp_path)
    monkeypatch.setattr(example, "ENTRIES", ("digits", "no such file"))
    with pytest.raises(DataError, match=r"cannot write .*example: No such file"):
        write_example(target)
    assert content(tmp_path) == before


def test_a_failed_move_is_undone(tmp_path, monkeypatch):
    replace = Path.replace

    def fail_on_the_table(self, target):
        if Path(target) == tmp_path / "runs.csv":
            raise OSError("disk full")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_on_the_table)
    with pytest.raises(DataError, match=r"cannot write .*: disk full"):
        write_example(tmp_path)
    assert content(tmp_path) == {}
