"""Columns of means, of their spread and of the number of repetitions, and standard errors."""

import re

import numpy as np
import pandas as pd
import pytest

from palm_bayes.errors import DataError
from palm_bayes.reading.means import Spread
from palm_bayes.reading.options import Reading
from palm_bayes.reading.read import read, read_runs
from palm_bayes.reading.tasks import read_tasks

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


@pytest.mark.parametrize("name", ["var", "accuracy_var", "Variance", "acc (var)"])
def test_variances_tell_the_noise(name):
    assert errors(read_runs(table(accuracy=MEAN, **{name: 0.0004}, n_runs=4))) == pytest.approx(
        0.01
    )
    with pytest.raises(DataError, match=f"in {re.escape(name)} are variances of means: say of how"):
        read_runs(table(accuracy=MEAN, **{name: 0.0004}))
    said = read_runs(table(accuracy=100 * MEAN, **{name: 4}), spread="sd of 4")
    assert errors(said) == pytest.approx(0.01)


@pytest.mark.parametrize("name", ["std (5 seeds)", "std (n=5)", "acc std, 5 runs"])
def test_how_many_may_stand_in_the_name(name):
    runs = read_runs(table(accuracy=MEAN, **{name: 0.02}), spread="sd of 4")
    assert errors(runs) == pytest.approx(0.01)


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


def test_the_spread_of_a_measure_that_is_there_is_not_that_of_another():
    frame = table(accuracy=MEAN, f1=MEAN - 0.1, f1_std=0.02, n_seeds=4)
    with pytest.raises(DataError, match=r"only means and their spread \(accuracy, f1_std, n_seeds"):
        read_runs(frame)
    assert errors(read_runs(frame, columns={"accuracy": "f1"})) == pytest.approx(0.01)


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


def test_each_budget_has_its_own_spread_and_number():
    wide = {f"acc_{n}": [m, m - 0.1] for n, m in zip(LABELS, MEAN, strict=True)}
    frame = pd.DataFrame({"strategy": ["margin", "random"]} | dict(reversed(wide.items())))
    beside = {f"std_{n}": [n / 1000, n / 100] for n in LABELS} | {f"n_{n}": 4 for n in LABELS}
    runs = read_runs(frame.assign(**beside))
    assert errors(runs.strategy("margin")) == pytest.approx(LABELS / 2000)
    assert errors(runs.strategy("random")) == pytest.approx(LABELS / 200)
    assert runs.table["labels"].tolist() == [*LABELS] * 2
    assert runs.table["accuracy"].tolist() == pytest.approx([*MEAN, *(MEAN - 0.1)])
    some = frame.assign(**{name: beside[name] for name in ("std_10", "std_20")})
    with pytest.raises(DataError, match=r"only means and their spread.*--spread none"):
        read_runs(some, spread="sd of 4")
    assert not read_runs(some, spread="none").of_means
    seeds = read_runs(frame.assign(**beside, seed=1))
    assert not seeds.of_means
    assert any("std_10, std_20, std_30" in note for note in seeds.notes)


def test_rows_of_means_and_of_their_spread_in_any_order():
    wide = table(accuracy=MEAN, std=LABELS / 1000, n=4)
    long = wide.rename(columns={"accuracy": "mean"}).melt(["strategy", "labels"], var_name="stat")
    long = long.rename(columns={"value": "acc"}).sample(frac=1, random_state=1)
    late = (long["labels"] == LABELS[-1]) & (long["stat"] == "std")
    runs = read_runs(long[~late])
    assert runs.table["accuracy"].tolist() == pytest.approx(MEAN)
    assert errors(runs) == pytest.approx([*LABELS[:5] / 2000, np.nan], nan_ok=True)
    twice = pd.concat([long, long])
    with pytest.raises(DataError, match=r"a second row for .* labels"):
        read_runs(twice)
    assert read_runs(long.assign(strategy="std")).strategies == ("std",)


def test_metrics_of_which_one_is_the_spread_of_the_score():
    wide = table(acc=MEAN, acc_std=LABELS / 1000, num_seeds=4, loss=0.9, loss_std=0.8, acc_max=1.0)
    long = wide.melt(["strategy", "labels"], var_name="metric").assign(timestamp=range(36))
    runs = read_runs(long)
    assert runs.table["accuracy"].tolist() == pytest.approx(MEAN)
    assert errors(runs) == pytest.approx(LABELS / 2000)
    assert not read_runs(long, spread="none").of_means
    seeds = read_runs(long.assign(seed=1))
    assert not seeds.of_means
    assert "score is acc; acc_std, num_seeds left out" in seeds.notes[0]
    bounds = long[long["metric"].isin(["acc", "acc_max", "loss"])]
    with pytest.raises(DataError, match=r"only means and their spread \(acc, acc_max\)"):
        read_runs(bounds)
    chosen = read_runs(bounds, columns={"accuracy": "acc"})
    assert chosen.table["accuracy"].tolist() == pytest.approx(MEAN)


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


def test_percent_and_errors_rates_are_fractions_that_rise():
    percent = read_runs(table(accuracy=100 * MEAN, std=2.0, n=4))
    assert errors(percent) == pytest.approx(0.01)
    turned = read_runs(table(error=1 - MEAN, error_std=0.02, n=4), lower_is_better=True)
    assert errors(turned) == pytest.approx(0.01)
    assert turned.table["accuracy"].tolist() == pytest.approx(MEAN)


@pytest.mark.parametrize(
    ("cell", "scale"),
    [
        ("{0:.2f} ± 0.02", 1),
        ("{0:.2f}+-0.02", 1),
        ("{0:.2f} (0.02)", 1),
        ("${0:.2f}_{{\\pm 0.02}}$", 1),
        ("${0:.2f} \\pm 0.02$", 1),
        ("{1:.0f}±2", 100),
        ("{1:.0f}% ± 2%", 100),
        ("{1:.0f} ± 2.0 %", 100),
    ],
)
def test_cells_of_both(cell, scale):
    cells = [cell.format(one, 100 * one) for one in MEAN]
    runs = read_runs(table(accuracy=cells), spread="sd of 4")
    assert runs.table["accuracy"].tolist() == pytest.approx(MEAN)
    assert errors(runs) == pytest.approx(0.01)
    assert runs.score.unit == scale
    alone = read_runs(table(accuracy=cells), spread="none")
    assert alone.table["accuracy"].tolist() == pytest.approx(MEAN)
    assert not alone.of_means


@pytest.mark.parametrize("cell", ["0.5 [0.4, 0.6]", "0.5 (0.4, 0.6)", "0.5 ± x"])
def test_cells_of_bounds(cell):
    with pytest.raises(
        DataError, match=r"is a mean and its spread, needed is|accuracy is '0\.5 ± x"
    ):
        read_runs(table(accuracy=[cell] * 6), spread="sd of 4")


def test_cells_of_repetitions():
    frame = table(accuracy=["0.5 ± 0.1"] * 6, seed=1)
    with pytest.raises(DataError, match=r"'0\.5 ± 0\.1' is a mean and its spread, needed is each"):
        read_runs(frame)
    assert not read_runs(frame, spread="none").of_means


def test_where_one_repetition_is_left_its_noise_is_unknown():
    count = [4, 4, 4, 4, 4, 1]
    runs = read_runs(table(accuracy=MEAN, std=[*[0.02] * 5, np.nan], n=count))
    assert errors(runs) == pytest.approx([0.01] * 5 + [np.nan], nan_ok=True)
    assert runs.table["mean_of"].tolist() == count


def test_rows_without_an_accuracy_need_no_spread():
    runs = read_runs(table(accuracy=[*MEAN[:5], np.nan], std=[*[0.02] * 5, ""], n=[*[4] * 5, ""]))
    assert errors(runs) == pytest.approx([0.01] * 5)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"std": -0.02, "n": 4},
            "row 0, strategy margin: the spread is '-0.02', but must be a",
        ),
        (
            {"std": 0.02, "n": 2.5},
            "the number of repetitions is '2.5', but must be from 1 to 1,000",
        ),
        ({"std": 0.02, "n": 5000}, "the number of repetitions is '5000'.* by --spread 'sd of N'"),
        ({"std": 0.02, "n": [4, 4, 4, 4, 4, ""]}, "the number of repetitions is ''"),
        (
            {"std": ["2%"] * 6, "n": 4},
            "the spread is '2%'.* in the unit of the means, which a",
        ),
        ({"std": 3.0, "n": 4}, "the standard error is 1.5, but must be from 0 to 0.5"),
        ({"std": 0.0, "n": 4}, "needed are two standard errors above 0: --spread none fits means"),
    ],
)
def test_what_cannot_be_a_spread(columns, words):
    with pytest.raises(DataError, match=words):
        read_runs(table(accuracy=MEAN, **columns))


def test_a_part_of_the_runs_keeps_them():
    both = pd.concat([table(accuracy=MEAN, std=0.02, n=4)] * 2, ignore_index=True)
    both.loc[6:, ["strategy", "std"]] = ["random", 0.04]
    runs = read_runs(both)
    assert errors(runs.strategy("random")) == pytest.approx(0.02)
    assert len(errors(runs.first(5))) == 10
    assert errors(runs.limited(1, 5)) == pytest.approx([0.01] * 5 + [0.02] * 5)
    assert runs.sha256() != read_runs(both.assign(std=0.02)).sha256()


def test_runs_that_were_read_keep_what_was_said():
    runs = read_runs(table(accuracy=MEAN, std=0.02), spread="sd of 4")
    assert runs.read_with == {"spread": "sd of 4"}
    with pytest.raises(DataError, match="spread cannot change once Runs are made"):
        read(runs, Reading(spread="none"))


def test_means_of_one_file_and_repetitions_of_others(tmp_path):
    table(accuracy=MEAN, std=0.02, n=4).to_csv(tmp_path / "a.csv", index=False)
    table(accuracy=MEAN, seed=1).assign(strategy="random").to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataError, match="repetition 1: a single repetition, where others are me"):
        read_runs(tmp_path)


def test_means_of_several_files(tmp_path):
    for name, std in (("margin", 0.02), ("random", 0.04)):
        of = table(accuracy=MEAN, std=std, n=4).drop(columns="strategy")
        of.to_csv(tmp_path / f"{name}.csv", index=False)
    found = read_runs(tmp_path).table.groupby("strategy")["standard_error"].mean()
    assert found.to_dict() == pytest.approx({"margin": 0.01, "random": 0.02})
