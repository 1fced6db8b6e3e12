"""PALM's folders: which runs they hold, and their errors."""

import numpy as np
import pytest

from palm_bayes.errors import DataError
from palm_bayes.reading.read import read_runs
from palm_bayes.reading.run_names import X_FILE, Y_FILE

RISING = np.array([30.0, 45, 55, 60, 63, 65])


def save(folder, y=RISING, x=None):
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / Y_FILE, y)
    if x is not None:
        np.save(folder / X_FILE, x)


def palm(base, *names, x=None):
    for i, name in enumerate(names):
        save(base / name, RISING + 0.1 * i, x)
    return base


def csv(path, text):
    path.write_text(text)
    return path


def message(source, **options):
    with pytest.raises(DataError) as caught:
        read_runs(source, **options)
    said = str(caught.value)
    assert "\n" not in said
    return said


def found(runs):
    return {s: list(runs.strategy(s).table["repetition"].unique()) for s in runs.strategies}


def test_folders_are_found_in_natural_order(tmp_path):
    palm(tmp_path, "random_2", "random_10", "random_1", "margin_1_seed42", "margin_2_seed43")
    runs = read_runs(tmp_path)
    assert found(runs) == {"margin": ["1_seed42", "2_seed43"], "random": ["1", "2", "10"]}
    assert (runs.score.percent, runs.labels_known) == (True, False)
    assert runs.origins["random", "10"] == str(tmp_path / "random_10" / Y_FILE)
    assert len(read_runs(tmp_path, max_repetitions=1).origins) == 2


def test_a_name_never_swallows_a_longer_one(tmp_path):
    palm(tmp_path, "random_1", "random_2", "random_ff_1", "random_ff_2", "random_ff_byol_b50_1")
    all_ = {"random": ["1", "2"], "random_ff": ["1", "2"], "random_ff_byol_b50": ["1"]}
    assert found(read_runs(tmp_path)) == all_
    assert found(read_runs(tmp_path, strategies=["random"])) == {"random": ["1", "2"]}
    both = read_runs(tmp_path, strategies=["random_ff", "random"])
    assert both.strategies == ("random_ff", "random")
    assert read_runs(tmp_path, strategies="random").strategies == ("random",)


def test_a_named_strategy_takes_what_follows_its_number(tmp_path):
    palm(tmp_path, "margin_1_42", "margin_2_42", "margin_3_42")
    assert read_runs(tmp_path).strategies == ("margin_1", "margin_2", "margin_3")
    assert found(read_runs(tmp_path, strategies=["margin"])) == {"margin": ["1_42", "2_42", "3_42"]}


def test_a_named_strategy_does_not_mix_numbered_ones(tmp_path):
    palm(tmp_path, "margin_10_1", "margin_10_2", "random_1")
    said = message(tmp_path, strategies=["margin"])
    assert f"no margin_<i>/{Y_FILE} in {tmp_path}, so no strategy 'margin'" in said
    assert "there are margin_10, random; did you mean 'margin_10'" in said
    assert found(read_runs(tmp_path, strategies=["margin_10"])) == {"margin_10": ["1", "2"]}


def test_one_run_directly_under_the_base(tmp_path):
    save(tmp_path / "badge")
    assert found(read_runs(tmp_path / "badge")) == {"badge": ["1"]}
    assert found(read_runs(tmp_path / "badge", strategies=["mine"])) == {"mine": ["1"]}
    assert "holds one run, found names a, b" in message(tmp_path / "badge", strategies=["a", "b"])


def test_runs_of_a_folder_may_be_named(tmp_path):
    palm(tmp_path, "margin_1", "margin_2", "random_1", x=10 * np.arange(1.0, 7))
    for named in (
        [tmp_path / "margin_1", tmp_path / "margin_2"],
        str(tmp_path / "margin_*"),
        str(tmp_path / "margin_*" / "*.npy"),
        str(tmp_path / "margin_*" / Y_FILE),
    ):
        runs = read_runs(named)
        assert found(runs) == {"margin": ["1", "2"]}
        assert runs.table["labels"].max() == 60
        assert runs.table["accuracy"].to_numpy() == pytest.approx(
            read_runs(tmp_path, strategies=["margin"]).table["accuracy"]
        )
    assert found(read_runs([tmp_path])) == found(read_runs(tmp_path))
    other = palm(tmp_path / "other", "margin_1")
    table = csv(tmp_path / "a.csv", "labels,margin\n1,0.5\n")
    for source in ([tmp_path, other], [table, tmp_path], [tmp_path / "random_1", other]):
        assert "read along with those of the same folder only, found" in message(source)


@pytest.mark.parametrize("x", [np.arange(6), np.arange(1.0, 7)])
def test_x_values_that_count_episodes_are_no_labels(tmp_path, x):
    runs = read_runs(palm(tmp_path, "margin_1", "margin_2", x=x))
    assert not runs.labels_known
    assert list(runs.strategy("margin").table["x"][:6]) == [1, 2, 3, 4, 5, 6]
    known = read_runs(tmp_path, batch=50)
    assert list(known.table["labels"][:2]) == [50, 100]
    assert known.batch == 50


def test_other_x_values_are_labels(tmp_path):
    runs = read_runs(palm(tmp_path, "margin_1", x=100 + 50 * np.arange(6)))
    assert (runs.labels_known, runs.batch, runs.table["x"].iloc[0]) == (True, 50, 2)
    palm(tmp_path, "margin_2")
    assert f"{tmp_path / 'margin_2' / Y_FILE}: no labels" in message(tmp_path)
    assert "allowed is one way for all runs" in message(tmp_path)


@pytest.mark.parametrize(
    ("y", "part"),
    [
        (np.array([]), "has shape (0,), allowed is one dimension, not empty"),
        (np.ones((6, 2)), "has shape (6, 2), allowed is one dimension"),
        (np.array([1, "a", None] * 2, dtype=object), "cannot be read"),
        (np.array(list("abcdef")), "holds <U1, allowed are real numbers"),
        (np.array([30, np.nan, 40, 50]), "the longest repetition has 3 of the 4 episodes needed"),
        (np.full(6, np.nan), "margin, repetition 1, episode 1: accuracy is 'nan'"),
        (
            np.array([30, 35, 40, 150]),
            "episode 4: accuracy is 150, but must be 0 to 1, or 0 to 100",
        ),
        (np.array([30, 35, 40]), "the longest repetition has 3 of the 4 episodes needed"),
    ],
)
def test_bad_arrays_name_the_file(tmp_path, y, part):
    save(tmp_path / "margin_1", y)
    said = message(tmp_path)
    assert said.startswith(str(tmp_path / "margin_1" / Y_FILE))
    assert part in said


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00", b"PK\x03\x04zip"])
def test_corrupt_files_are_named(tmp_path, content):
    save(tmp_path / "margin_1")
    (tmp_path / "margin_1" / Y_FILE).write_bytes(content)
    assert f"{tmp_path / 'margin_1' / Y_FILE} cannot be read" in message(tmp_path)


def test_x_and_y_must_match(tmp_path):
    save(tmp_path / "margin_1", x=np.arange(5))
    assert f"{X_FILE}: 5 values, but {Y_FILE} has 6" in message(tmp_path)


def test_a_row_at_zero_labels_is_left_out(tmp_path):
    save(tmp_path / "margin_1", x=10 * np.arange(6))
    runs = read_runs(tmp_path)
    assert "Read: 1 row at 0 labels left out." in runs.notes
    assert list(runs.table["labels"]) == [10, 20, 30, 40, 50]
    assert list(runs.table["episode"]) == [1, 2, 3, 4, 5]
    assert runs.table["accuracy"].iloc[0] == 0.45


def test_folder_without_runs_says_what_is_there(tmp_path):
    said = message(tmp_path)
    assert f"no runs found, looked for <METHOD>_<i>/{Y_FILE} and files of .csv" in said
    assert said.endswith("there is nothing")
    palm(tmp_path / "CIFAR10" / "resnet18", "margin_1")
    said = message(tmp_path)
    assert "there is CIFAR10" in said
    assert f"runs are in {tmp_path / 'CIFAR10' / 'resnet18'}" in said


def test_odd_folders(tmp_path):
    palm(tmp_path, "random", "margin_1", "margin_2")
    (tmp_path / "margin_3").mkdir()
    (tmp_path / "logs").mkdir()
    runs = read_runs(tmp_path, dataset="cifar", model="vit")
    assert found(runs) == {"margin": ["1", "2"], "random": ["1"]}
    assert f"Folders without {Y_FILE} are left out: margin_3." in runs.notes
    assert (runs.dataset, runs.model) == ("cifar", "vit")
    save(tmp_path / "random_1")
    assert "random and random_1 both are repetition 1 of strategy random" in message(tmp_path)


def test_names_that_cannot_be_decoded_are_read(tmp_path):
    palm(tmp_path, "z\udcfcfall_1", "z\udcfcfall_2")  # a name in Latin-1
    assert read_runs(tmp_path).strategies == ("z�fall",)
