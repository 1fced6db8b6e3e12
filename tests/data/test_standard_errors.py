"""Standard errors from spreads, in the unit of the scores, whatever cells hold."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.readers import read, read_runs
from palm_bayes.data.reading import Reading
from palm_bayes.errors import DataError

LABELS = np.arange(10, 70, 10)
MEAN = np.array([0.5, 0.6, 0.66, 0.7, 0.72, 0.73])


def table(**columns):
    return pd.DataFrame({"strategy": "margin", "labels": LABELS, **columns})


def errors(runs):
    return runs.table["standard_error"].to_numpy()


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
