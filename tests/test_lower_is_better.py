"""Error rates from the reader to the page: all that comes out is as it went in."""

import json
import re
from functools import partial
from html import unescape

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.quantiles import QUANTILE_NAMES
from palm_bayes.data.score import Score
from palm_bayes.decisions.compare import compare
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.stopping_rules import NetValue, Plateau, Target, Unreachable
from palm_bayes.errors import DataError
from palm_bayes.evaluation.backtest_result import Backtest
from palm_bayes.inference.posterior import Posterior
from palm_bayes.inference.saved import about_data, runs_from
from palm_bayes.model.build import observations
from palm_bayes.plots.curves import plot_curves
from palm_bayes.reading.read import read_runs
from palm_bayes.report.ask import Ask
from palm_bayes.report.contents import Questions, report_of
from palm_bayes.report.export import FitOutput
from palm_bayes.report.page import write
from palm_bayes.report.tables import compared

ERROR = Score("error rate", lower_is_better=True)


def test_the_model_sees_the_same_data_so_that_the_draws_are_equal():
    rows = [
        {"strategy": s, "repetition": r, "labels": 10 * e, "accuracy": (8 + e + r) / 32}
        for s in ("a", "b") for r in (1, 2) for e in range(1, 7)
    ]  # fmt: skip
    table = pd.DataFrame(rows)  # exact in binary: no rounding in 1 - (1 - y)
    runs = read_runs(table)
    turned = read_runs(table.assign(accuracy=1 - table["accuracy"]), lower_is_better=True)
    assert turned.sha256() == runs.sha256()
    for name in runs.strategies:
        one, other = (observations(of.strategy(name)).accuracy for of in (runs, turned))
        np.testing.assert_array_equal(one, other)


def test_forecasts_are_errors_with_their_bands_swapped(fit, error_fit):
    of, turned = (one.forecast(labels=[300, 600]).to_frame() for one in (fit, error_fit))
    for name, other in {"mean": "mean", "q10": "q90", "q2.5": "q97.5", "q50": "q50"}.items():
        assert turned[name].to_numpy() == pytest.approx(1 - of[other].to_numpy())
    assert (turned["q10"] <= turned["q90"]).all()
    parameters, same = error_fit.summary(), fit.summary()  # PALM's, of 1 - error
    pd.testing.assert_frame_equal(parameters, same)


def test_targets_are_errors(fit, error_fit):
    found, same = error_fit.labels_to_reach(0.07), fit.labels_to_reach(0.93)
    pd.testing.assert_frame_equal(found.table, same.table)
    pd.testing.assert_frame_equal(found.alda, same.alda)
    assert " reaches error rate 0.07 (the expected curve)" in found.sentence
    with pytest.raises(DataError, match="at least 0 and below 1"):
        error_fit.labels_to_reach(1)


def test_comparisons_are_of_errors(fit, error_fit):
    found, same = compare(error_fit, 500), compare(fit, 500)
    one, other = found.ranking, same.ranking
    assert list(one["strategy"]) == list(other["strategy"])
    near = partial(pytest.approx, abs=1e-3)  # quantiles are draws
    for name, of in {"median": "median", "lower": "upper", "upper": "lower"}.items():
        assert one[name].to_numpy() == near(1 - other[of].to_numpy())
        assert found.pairs[name].to_numpy() == near(-same.pairs[of].to_numpy())
        assert found.area[name].to_numpy() == near(1 - same.area[of].to_numpy())
    kept = ["p_best", "expected_loss", "standing"]
    pd.testing.assert_frame_equal(one[kept], other[kept])
    pd.testing.assert_frame_equal(found.speed_up, same.speed_up)
    (table,) = compared(found).values()
    assert "error rate" in table
    left = found.plot().axes[0]
    assert left.get_xlabel().startswith(f"Error rate minus that of {one['strategy'][0]}\n")


def test_rules_are_of_errors():
    episodes = np.arange(3.0)
    draws = np.array(
        [[0.90, 0.93, 0.96], [0.88, 0.92, 0.93], [0.86, 0.90, 0.92], [0.84, 0.86, 0.9]]
    )
    outlook = Outlook("s", 100 + 10 * episodes, episodes, np.array(draws), ERROR)
    found = Target(0.15, 0.7).find(outlook)
    assert found.stop
    words = "the probability that error rate 0.15 is reached is 75 % (70 % required)"
    assert found.reason == words
    assert found.change == "Would change with a target below 0.142."
    assert "the error rate stays above the target, by 0.0025 on average" in found.if_wrong
    assert "gain less than 0.05 " in Plateau(0.05, 10).find(outlook).reason
    assert Unreachable(0.05, 120, 0.1).find(outlook).probability == 0.25
    assert "a target above" in Unreachable(0.01, 120).find(outlook).change
    assert "a point of error rate worth" in NetValue(1, 5).find(outlook).change


def test_a_saved_fit_knows_its_score(error_fit, fit, tmp_path):
    rows = fit.trace["runs"].to_dataset()
    about = about_data(error_fit.runs, fit.convergence.table)
    kept = json.loads(json.dumps(about["runs"]))
    assert runs_from(rows, dict(kept)).score == ERROR
    older = {name: kept[name] for name in kept if name not in {"metric", "lower_is_better"}}
    assert runs_from(rows, older).score == Score()
    assert Posterior.load(fit.save(tmp_path / "trace.nc")).runs.score == Score()


def test_figures_are_of_errors(error_fit):
    found = error_fit.forecast(labels=[100, 300, 600])
    panel = plot_curves(error_fit.runs, found.draws).axes[0]
    assert panel.get_ylabel() == "Error rate"
    (line,) = [one for one in panel.get_lines() if len(one.get_xdata()) == 3]
    median = 1 - found.draws.isel(strategy=0).median(("chain", "draw")).to_numpy()
    assert line.get_ydata() == pytest.approx(median)
    assert median[0] > median[-1]


def test_files_are_of_errors_and_palms_files_of_what_palm_describes(error_fit, fit):
    found, same = FitOutput.of(error_fit, horizon=2), FitOutput.of(fit, horizon=2)
    assert found.tables.document()["lower_is_better"] is True
    assert found.tables.document()["metric"] == "error rate"
    np.testing.assert_allclose(found.palm("random").y_avg, same.palm("random").y_avg)


def test_the_page_is_of_errors(error_fit, fit, tmp_path):
    report = report_of(error_fit, Questions(target=0.07, within=600))
    page = write(report, tmp_path / "report.html").read_text()
    words = re.sub(r"<(script|style|pre)\b.*?</\1>", "", page, flags=re.DOTALL)
    words = unescape(words).replace("\N{NO-BREAK SPACE}", " ")
    assert "Expected error rate, median and 80 % interval" in words
    assert "Target error rate" in words
    assert "PALM's curve and parameters describe 1 minus the error rate." in words
    assert "the present error rate" in words
    told = [one for one in re.split(r"[.<>]", re.sub(r"<[^>]*>", "<", words)) if "ccurac" in one]
    assert all("of later accuracies" in one for one in told)  # of other projects
    assert "lower_is_better=True" in page
    assert "--lower-is-better" in page
    told, same = (
        Ask(report).payload(),
        Ask(report_of(fit, Questions(target=0.93, within=600))).payload(),
    )
    assert (told["lower"], told["better"]) == (True, "below")
    assert told["draws"] == same["draws"]
    line = Ask(report).target_line
    assert 0 <= line.low < 0.07 < line.high < 1


def test_a_backtest_gives_errors_back(quick_fit, made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    part = {"episode": [4], "observed": [0.9], "mean": [0.8]}
    quantiles = dict(zip(QUANTILE_NAMES, [[v] for v in np.linspace(0.7, 0.95, 7)], strict=True))
    key = {"source": [""], "dataset": [""], "model": [""], "strategy": ["a"], "train_episodes": [3]}
    frame = pd.DataFrame(key | part | quantiles)
    turned = read_runs(
        runs.table.drop(columns="x").assign(accuracy=1 - runs.table["accuracy"]),
        lower_is_better=True,
    )
    found = Backtest.joined([{"forecasts": frame}], [(("", "", "", "a"), turned)])
    row = found.forecasts.iloc[0]
    assert row["observed"] == pytest.approx(0.1)
    assert row[QUANTILE_NAMES].to_numpy(float) == pytest.approx(np.linspace(0.05, 0.3, 7))
    mean = turned.table.groupby("episode")["accuracy"].mean().to_numpy()
    assert found.observed["accuracy"].to_numpy() == pytest.approx(1 - mean)
