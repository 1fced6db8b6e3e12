"""Properties that hold for all data, from rows to decisions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palm_bayes import PalmFit
from palm_bayes.data.runs import Runs
from palm_bayes.decisions.stopping_rules import Target
from palm_bayes.model import curve
from palm_bayes.reading.read import read_runs

RUN = ["strategy", "repetition"]
quick = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
few = settings(quick, max_examples=5)  # where an example takes a second


@st.composite
def tables(draw):
    """Rows of up to 3 strategies, with runs of unequal length and uneven batches."""
    rows = []
    for strategy in draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True)):
        for repetition in range(1, draw(st.integers(1, 3)) + 1):
            steps = draw(st.lists(st.integers(1, 50), min_size=4, max_size=8))
            labels = np.cumsum(steps)
            low, rise = draw(st.floats(0.05, 0.5)), draw(st.floats(0.1, 0.45))
            accuracy = low + rise * (1 - np.exp(-np.arange(1, len(steps) + 1) / 3))
            columns = {"labels": labels, "accuracy": accuracy.round(6)}
            rows.append(pd.DataFrame(columns).assign(strategy=strategy, repetition=repetition))
    return pd.concat(rows, ignore_index=True)


def by_run(runs):
    table = runs.table.sort_values([*RUN, "episode"]).reset_index(drop=True)
    return table[[*RUN, "episode", "labels", "x", "accuracy"]]


# --- readers


@quick
@given(table=tables(), seed=st.integers(0, 99))
def test_the_order_of_rows_strategies_and_columns_changes_nothing(table, seed):
    shuffled = table.sample(frac=1, random_state=seed)
    shuffled = shuffled[list(np.random.default_rng(seed).permutation(table.columns))]
    one, other = read_runs(table), read_runs(shuffled.reset_index(drop=True))
    assert one.sha256() == other.sha256()
    pd.testing.assert_frame_equal(by_run(one), by_run(other))


@quick
@given(table=tables())
def test_names_of_repetitions_only_name_them(table):
    """In another order the same runs come back under their names."""
    renamed = table.assign(repetition=table["repetition"].map({1: "9", 2: "5", 3: "1"}))
    back = by_run(read_runs(renamed)).replace({"repetition": {"9": "1", "5": "2", "1": "3"}})
    back = back.sort_values([*RUN, "episode"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(back, by_run(read_runs(table)))


@quick
@given(table=tables())
def test_percent_and_fractions_are_the_same(table):
    one = read_runs(table)
    other = read_runs(table.assign(accuracy=100 * table["accuracy"]), percent=True)
    assert (one.score.percent, other.score.percent) == (False, True)
    pd.testing.assert_frame_equal(by_run(one), by_run(other))


@quick
@given(table=tables(), unit=st.sampled_from([10, 1000, 2**20]))
def test_the_unit_of_labels_changes_nothing(table, unit):
    one, other = read_runs(table), read_runs(table.assign(labels=unit * table["labels"]))
    assert other.batch == unit * one.batch
    columns = [*RUN, "episode", "x", "accuracy"]
    pd.testing.assert_frame_equal(by_run(one)[columns], by_run(other)[columns])


@quick
@given(table=tables())
def test_any_file_holds_what_the_frame_holds(table, tmp_path):
    frame = read_runs(table)
    table.to_csv(tmp_path / "runs.csv.gz", index=False)
    table.to_json(tmp_path / "runs.json", orient="records", double_precision=15)
    for name in ("runs.csv.gz", "runs.json"):
        assert read_runs(tmp_path / name).sha256() == frame.sha256()


@quick
@given(table=tables(), labels=st.lists(st.floats(1, 1e6), min_size=1, max_size=5))
def test_x_and_labels_are_inverse_and_increase(table, labels):
    runs, at = Runs.from_frame(table), np.sort(labels)
    for mode in ("labels", "episodes"):
        runs = read_runs(table, x_mode=mode)
        np.testing.assert_allclose(runs.labels_at(runs.x_at(at)), at, rtol=1e-9)
        assert np.all(np.diff(runs.x_at(at)) >= 0)


# --- curve


curves = {
    "A_max": st.floats(0.01, 1),
    "log_u": st.floats(-8, 4),
    "alpha": st.floats(-0.99, 50),
    "beta": st.floats(0.01, 5),
}


@given(**curves, x=st.lists(st.floats(1, 1e4), min_size=2, max_size=9))
def test_a_curve_rises_within_its_bounds(A_max, log_u, alpha, beta, x):
    at = np.sort(x)
    accuracy = -A_max * np.expm1(-curve.u(at, log_u, alpha, beta, 1.0))
    assert np.all(np.diff(accuracy) >= 0)
    assert np.all((accuracy >= 0) & (accuracy <= A_max))


@given(**curves, x=st.floats(1, 1e3))
def test_the_inverse_of_a_curve_is_x(A_max, log_u, alpha, beta, x):
    """Solve A(x) = y for x by the formula: x = (u / k)^(1/β) − α, by its logarithms."""
    u = curve.u(x, log_u, alpha, beta, 1.0)
    missing = np.exp(-u)
    if not 1e-3 < missing < 1 - 1e-6 or beta < 0.05:  # elsewhere y does not tell x
        return
    found = (1 + alpha) * np.exp((np.log(-np.log(missing)) - log_u) / beta) - alpha
    assert found == pytest.approx(x, rel=1e-6, abs=1e-6)


# --- forecasts and decisions, of one fit


@quick
@given(labels=st.lists(st.integers(20, 4000), min_size=1, max_size=6, unique=True))
def test_forecasts_rise_within_bounds_whatever_the_order_asked(fit, labels):
    found = fit.forecast(labels=labels).draws
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    assert bool((found.diff("x") >= -1e-9).all())
    again = fit.forecast(labels=labels[::-1]).draws
    np.testing.assert_array_equal(found, again)


@quick
@given(targets=st.lists(st.floats(0.5, 0.97), min_size=2, max_size=2, unique=True))
def test_a_higher_target_never_needs_fewer_labels(fit, targets):
    low, high = sorted(targets)
    one, other = (fit.labels_to_reach(t) for t in (low, high))
    shared = one.chances.index.intersection(other.chances.index)
    assert bool((one.chances.loc[shared] >= other.chances.loc[shared]).all(axis=None))
    for found in (one, other):
        assert bool(found.chances.diff().dropna().ge(0).all(axis=None))
        assert bool(found.chances.stack().between(0, 1).all())


def of_percent(fit):
    """The same draws of the same runs, in percent."""
    score = replace(fit.runs.score, percent=True)
    return PalmFit(replace(fit.runs, score=score), fit.trace, fit.convergence)


def of_labels(fit, times):
    """The same draws of the same runs, of which each label counts as so many."""
    table = fit.runs.table.assign(labels=times * fit.runs.table["labels"])
    runs = replace(fit.runs, table=table, batch=times * fit.runs.batch)
    return PalmFit(runs, fit.trace, fit.convergence)


@few
@given(target=st.floats(0.6, 0.97), at=st.integers(40, 2000))
def test_percent_and_fractions_have_the_same_answers(fit, target, at):
    other = of_percent(fit)
    needed = fit.labels_to_reach(target).table
    pd.testing.assert_frame_equal(other.labels_to_reach(100 * target).table, needed)
    one, two = fit.compare(at=at), other.compare(at=at)
    pd.testing.assert_frame_equal(two.matrix, one.matrix)
    pd.testing.assert_frame_equal(two.speed_up, one.speed_up)
    assert other.decide(Target(100 * target)).stop == fit.decide(Target(target)).stop


@few
@given(target=st.floats(0.6, 0.97), at=st.integers(40, 2000), times=st.sampled_from([10, 1000]))
def test_the_unit_of_labels_changes_no_answer(fit, target, at, times):
    other = of_labels(fit, times)
    budgets = ["budget", "median", "lower", "upper"]
    needed = fit.labels_to_reach(target).table
    needed[budgets] *= times
    pd.testing.assert_frame_equal(other.labels_to_reach(target).table, needed)
    one, two = fit.compare(at=at), other.compare(at=times * at)
    pd.testing.assert_frame_equal(two.matrix, one.matrix)
    assert other.decide(Target(target)).stop == fit.decide(Target(target)).stop


@quick
@given(target=st.floats(0.6, 0.97))
def test_the_labels_for_a_target_are_the_inverse_of_the_curve(fit, target):
    """The expected curve has the target between the budget found and an episode before it."""
    found = fit.labels_to_reach(target)
    for row in found.table.itertuples():
        if np.isfinite(row.budget) and row.budget > fit.runs.batch:
            labels = [row.budget - fit.runs.batch, row.budget]
            curve_there = fit.forecast(labels=labels).draws.sel(strategy=row.strategy)
            before, after = (curve_there >= target).mean(("chain", "draw")).to_numpy()
            assert after >= found.assurance
            assert before < found.assurance or row.budget <= fit.runs.table["labels"].max()


@quick
@given(labels=st.integers(40, 3000))
def test_comparisons_are_probabilities_of_both_sides(fit, labels):
    found = fit.compare(at=labels)
    assert found.ranking["p_best"].sum() == pytest.approx(1)
    better = found.matrix.to_numpy(float)
    off = ~np.eye(len(better), dtype=bool)
    assert np.all((better[off] >= 0) & (better[off] <= 1))
    assert np.all((better + better.T)[off] <= 1 + 1e-9)
