"""Columns of means, of their spread, and of the number of repetitions."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.means import Spread
from palm_bayes.data.readers import read_runs
from palm_bayes.data.reading import Reading
from palm_bayes.data.tasks import read_tasks
from palm_bayes.errors import DataError

LABELS = np.arange(10, 70, 10)
MEAN = np.array([0.5, 0.6, 0.66, 0.7, 0.72, 0.73])


def table(**columns):
    return pd.DataFrame({"strategy": "margin", "labels": LABELS, **columns})


def errors(runs):
    return runs.table["standard_error"].to_numpy()


@pytest.mark.parametrize(
    ("said", "kind", "count"),
    [
        (None, "", None),
        ("sd of 5", "sd", 5),
        ("std of 12", "sd", 12),
        ("sd", "sd", None),
        ("se", "se", None),
        (" sem of 3 ", "se", 3),
        ("none", "none", None),
    ],
)
def test_what_is_said(said, kind, count):
    assert Spread.of(said) == Spread(kind, count)


@pytest.mark.parametrize("said", ["", "5", "sd of", "sd of 1", "none of 5", "iqr", "sd of 2.5", 5])
def test_what_cannot_be_said(said):
    with pytest.raises(DataError, match="standard deviations of N repetitions; 'se' or"):
        Spread.of(said)


@pytest.mark.parametrize(
    ("score", "spread", "number"),
    [
        ("accuracy", "accuracy_std", "n_seeds"),
        ("acc", "std", "n"),
        ("test_acc", "acc_sd", "num_runs"),
        ("mean", "std", "count"),
        ("mean_acc", "std_acc", "count"),
        ("accuracy (mean)", "accuracy (std)", "repetitions"),
        ("acc_mean", "acc_std", "acc_count"),
        ("test_accuracy", "test_accuracy_standard_deviation", "mean_of"),
    ],
)
def test_names_of_deviations_and_numbers(score, spread, number):
    runs = read_runs(table(**{score: MEAN, spread: 0.02, number: 4}))
    assert errors(runs) == pytest.approx(0.01)
    assert runs.table["mean_of"].eq(4).all()
    assert runs.table["repetition"].eq("mean").all()
    assert runs.table["accuracy"].tolist() == pytest.approx(MEAN)
    assert runs.score.metric == "accuracy"


@pytest.mark.parametrize(
    "name", ["sem", "stderr", "accuracy_se", "standard_error", "Standard error of acc."]
)
def test_names_of_errors(name):
    runs = read_runs(table(accuracy=MEAN, **{name: 0.02}))
    assert errors(runs) == pytest.approx(0.02)
    assert runs.table["mean_of"].isna().all()


def test_errors_come_before_deviations_unless_asked():
    frame = table(accuracy=MEAN, std=0.02, sem=0.005, n=4)
    assert errors(read_runs(frame)) == pytest.approx(0.005)
    assert errors(read_runs(frame, spread="sd")) == pytest.approx(0.01)
    assert errors(read_runs(frame, spread="sd of 16")) == pytest.approx(0.005)


def test_the_spread_of_another_measure_is_not_taken():
    frame = table(accuracy=MEAN, accuracy_std=0.02, f1_sem=0.1, n=4)
    assert errors(read_runs(frame)) == pytest.approx(0.01)
    with pytest.raises(DataError, match=r"only means and their spread \(accuracy, loss_std, n_s"):
        read_runs(table(accuracy=MEAN, loss=0.4, loss_std=0.1, n_seeds=4))


def test_bounds_beside_deviations_are_left_out():
    runs = read_runs(table(acc=MEAN, acc_std=0.02, acc_min=MEAN - 0.1, acc_max=0.9, n_seeds=4))
    assert errors(runs) == pytest.approx(0.01)


@pytest.mark.parametrize("name", ["accuracy_err", "std_error", "acc_std_err"])
def test_what_may_be_either_is_asked_about(name):
    frame = table(accuracy=MEAN, **{name: 0.02})
    with pytest.raises(DataError, match=f"in {name} are means and their spread: say which"):
        read_runs(frame)
    assert errors(read_runs(frame, spread="sd of 4")) == pytest.approx(0.01)
    assert errors(read_runs(frame, spread="se")) == pytest.approx(0.02)


def test_a_column_n_may_be_the_labels():
    frame = pd.DataFrame({"strategy": "margin", "n": LABELS, "accuracy": MEAN, "std": 0.02})
    with pytest.raises(DataError, match="say of how many repetitions"):
        read_runs(frame, columns={"labels": "n"})
    runs = read_runs(frame, columns={"labels": "n"}, spread="sd of 4")
    assert runs.table["labels"].tolist() == list(LABELS)
    assert errors(runs) == pytest.approx(0.01)


def test_repetitions_of_their_own_are_fitted_as_such():
    frame = pd.concat(table(accuracy=MEAN + r / 100, std=0.1, seed=r) for r in (1, 2, 3))
    runs = read_runs(frame)
    assert runs.table["repetition"].nunique() == 3
    assert not runs.of_means
    wide = table(seed_1=MEAN, seed_2=MEAN, mean=MEAN, std=0.1)
    assert not read_runs(wide).of_means


def test_the_table_of_runs_is_read_as_these_runs():
    runs = read_runs(table(accuracy=MEAN, std=0.02, n=4))
    again = read_runs(runs.table)
    pd.testing.assert_frame_equal(again.table, runs.table)
    alone = read_runs(table(accuracy=MEAN, sem=0.02))
    pd.testing.assert_frame_equal(read_runs(alone.table).table, alone.table)


def test_each_strategy_has_its_own_spread_and_number():
    frame = pd.DataFrame({"labels": LABELS, "margin": MEAN, "random": MEAN - 0.1})
    frame = frame.assign(margin_std=0.02, random_std=0.09, margin_n=4, random_n=9)
    found = read_runs(frame).table.groupby("strategy")[["standard_error", "mean_of"]].mean()
    assert found.loc["margin"].tolist() == pytest.approx([0.01, 4])
    assert found.loc["random"].tolist() == pytest.approx([0.03, 9])


def test_strategies_of_which_one_has_no_spread():
    frame = pd.DataFrame({"labels": LABELS, "margin": MEAN, "random": MEAN, "margin_std": 0.02})
    with pytest.raises(DataError, match="only means and their spread"):
        read_runs(frame, spread="sd of 4")


def test_the_option_needs_a_spread():
    with pytest.raises(DataError, match="spread is 'sd of 5', but no column or cell has a spread"):
        read_runs(table(accuracy=MEAN), spread="sd of 5")


def test_several_tasks():
    parts = [table(accuracy=MEAN, std=0.02, n=4, dataset=name) for name in ("a", "b")]
    tasks = read_tasks(pd.concat(parts), Reading())
    assert len(tasks) == 2
    for task in tasks:
        assert errors(task.runs) == pytest.approx(0.01)


def test_leaving_the_spread_out_asks_about_measures_all_the_same():
    frame = pd.DataFrame({"labels": LABELS, "acc_train": MEAN, "acc_test": MEAN, "acc_std": 0.02})
    with pytest.raises(DataError, match="may be several measures"):
        read_runs(frame, spread="none")
