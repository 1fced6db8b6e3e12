"""The files of a run, written by its labelling loop."""

import numpy as np
import pytest

from palm_bayes.errors import DataError
from palm_bayes.reading.read import read_runs
from palm_bayes.run_writer import RunWriter

EPISODES = [(20, 0.6), (40, 0.7), (70, 0.76), (80, 0.8)]


def place(tmp_path, layout):
    return tmp_path / "digits" / ("resnet18" if layout == "palm" else "20")


@pytest.mark.parametrize("layout", ["palm", "results"])
def test_runs_are_read_as_they_were_written(tmp_path, layout):
    base = place(tmp_path, layout)
    for strategy in ("margin", "random_seed"):
        for repetition in (1, 2):
            writer = RunWriter(base, strategy, repetition, layout=layout)
            for labels, accuracy in EPISODES:
                writer(labels, accuracy / repetition)
    table = read_runs(base).table
    assert table.groupby(["strategy", "repetition"]).size().to_dict() == {
        (s, r): 4 for s in ("margin", "random_seed") for r in ("1", "2")
    }
    one = table[(table["strategy"] == "margin") & (table["repetition"] == "2")]
    assert one["labels"].tolist() == [20, 40, 70, 80]
    assert one["accuracy"].to_numpy() == pytest.approx(np.array([0.6, 0.7, 0.76, 0.8]) / 2)


def test_palm_finds_its_own_files(tmp_path):
    writer = RunWriter(tmp_path, "margin", 3)
    writer(20, 61.5)
    writer(40, 70)
    folder = tmp_path / "margin_3"
    assert writer.folder == folder
    assert sorted(path.name for path in folder.iterdir()) == [
        "plot_episode_xvalues.npy",
        "plot_episode_yvalues.npy",
    ]
    assert np.load(folder / "plot_episode_yvalues.npy").tolist() == [61.5, 70.0]
    assert np.load(folder / "plot_episode_xvalues.npy").tolist() == [20.0, 40.0]


def test_runs_are_written_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    RunWriter("~/runs", "margin")(20, 0.6)
    assert (tmp_path / "runs" / "margin_1").is_dir()


@pytest.mark.parametrize("layout", ["palm", "results"])
def test_a_run_is_resumed_but_never_overwritten(tmp_path, layout):
    base = place(tmp_path, layout)
    first = RunWriter(base, "margin", layout=layout)
    for labels, accuracy in EPISODES[:3]:
        first(labels, accuracy)
    with pytest.raises(DataError, match=r"exists, allowed are new runs, or resume=True"):
        RunWriter(base, "margin", layout=layout)
    again = RunWriter(base, "margin", layout=layout, resume=True)
    with pytest.raises(DataError, match="above 70"):
        again(70, 0.76)
    again(*EPISODES[3])
    assert read_runs(base).table["accuracy"].tolist() == [0.6, 0.7, 0.76, 0.8]


def test_labels_written_before_a_crash_are_dropped(tmp_path):
    writer = RunWriter(tmp_path, "margin")
    writer(20, 0.6)
    np.save(writer.folder / "plot_episode_xvalues.npy", [20.0, 40.0])
    RunWriter(tmp_path, "margin", resume=True)(45, 0.7)
    assert np.load(writer.folder / "plot_episode_xvalues.npy").tolist() == [20.0, 45.0]


@pytest.mark.parametrize(
    ("layout", "file", "text", "said"),
    [
        ("palm", "plot_episode_xvalues.npy", None, "xvalues.npy, the labels of .* is missing"),
        ("palm", "plot_episode_xvalues.npy", "", "xvalues.npy cannot be read"),
        ("palm", "plot_episode_yvalues.npy", "no array", "yvalues.npy cannot be read"),
        ("results", "accuracies.csv", "", "cannot be resumed"),
        ("results", "accuracies.csv", "labels,accuracy\n20,high\n", "cannot be resumed: .*high"),
        ("results", "accuracies.csv", "labels,loss\n20,1\n", "cannot be resumed: .*'accuracy'"),
    ],
)
def test_files_that_cannot_be_resumed_are_told(tmp_path, layout, file, text, said):
    writer = RunWriter(tmp_path, "margin", layout=layout)
    writer(20, 0.6)
    (writer.folder / file).unlink()
    if text is not None:
        (writer.folder / file).write_text(text)
    with pytest.raises(DataError, match=said):
        RunWriter(tmp_path, "margin", layout=layout, resume=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": "a/b"}, "must be the name of a folder"),
        ({"strategy": " "}, "must be the name of a folder"),
        ({"strategy": ".."}, "must be the name of a folder"),
        ({"strategy": "margin", "repetition": 0}, "repetition is 0, but must be at least 1"),
        ({"strategy": "margin", "repetition": "one"}, "'one', but must be a whole number"),
        ({"strategy": 3}, "strategy is of type int, but must be the name of a folder"),
        ({"strategy": "margin", "resume": "no"}, "resume is 'no', but must be True or False"),
        ({"strategy": "margin", "layout": "wandb"}, "^no layout 'wandb': there are palm, results$"),
    ],
)
def test_what_cannot_be_a_folder_is_refused(tmp_path, options, said):
    with pytest.raises(DataError, match=said):
        RunWriter(tmp_path, **options)
    with pytest.raises(DataError, match="base is of type int, but must be a path"):
        RunWriter(3, "margin")


@pytest.mark.parametrize(
    ("episode", "said"),
    [((0, 0.5), "above 0"), ((float("nan"), 0.5), "above 0"), ((20, -0.1), "0 to 1")],
)
def test_an_episode_that_cannot_be_is_refused(tmp_path, episode, said):
    writer = RunWriter(tmp_path, "margin")
    with pytest.raises(DataError, match=said):
        writer(*episode)
    assert not writer.folder.exists()
