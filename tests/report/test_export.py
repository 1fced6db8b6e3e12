"""Files of a fit: their numbers are those of the fit, and PALM.py's are in its own form."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data import example_runs_path
from palm_bayes.data.score import Score
from palm_bayes.files import Look
from palm_bayes.inference.convergence import Convergence
from palm_bayes.model.curve import PARAMETERS
from palm_bayes.palm_fit import PalmFit
from palm_bayes.reading.read import read_runs
from palm_bayes.report.export import FitOutput, Tables
from palm_bayes.report.place import names_of

PALM_KEYS = ["dataset", "model", "method", "episodes", "mode", "budget_size", *PARAMETERS]
PALM_KEYS += ["run_files"]


@pytest.fixture(scope="module")
def out(fit, tmp_path_factory):
    """Return the folder of a fit of two strategies."""
    folder = tmp_path_factory.mktemp("fit") / "out"
    FitOutput.of(fit, horizon=5, probability=0.8, x_mode="episodes").write(folder)
    return folder


def params_of(folder):
    return json.loads((folder / "palm_params.json").read_text(encoding="utf-8"))


def test_the_files_are_those_that_are_announced(out):
    files = {path.relative_to(out) for path in out.rglob("*") if path.is_file()}
    assert files == {*names_of(["random", "entropy"], kinds=["png"])}
    assert all((out / file).stat().st_size for file in files)


def test_tables_are_those_of_the_fit(fit, out):
    forecast = pd.read_csv(out / "forecast.csv")
    assert list(forecast["scope"].unique()) == ["expected", "new"]
    assert forecast["episode"].max() == 12 + 5
    for scope, rows in forecast.groupby("scope"):
        expected = fit.forecast(horizon=5, scope=scope).to_frame()
        assert rows["q90"].to_numpy() == pytest.approx(expected["q90"].to_numpy(), rel=1e-6)
    summary = pd.read_csv(out / "summary.csv")
    assert summary["upper"].to_numpy() == pytest.approx(
        fit.summary(0.8)["upper"].to_numpy(), rel=1e-6
    )
    loaded = PalmFit.load(out / "trace.nc")
    assert loaded.runs.sha256() == fit.runs.sha256()


@pytest.mark.parametrize(
    ("horizon", "episodes", "last"), [(None, 12, 24), (1, 12, 13), (1, 30, 13)]
)
def test_forecasts_end_at_the_horizon(fit, horizon, episodes, last):
    truth = None if episodes == 12 else read_runs(example_runs_path(), max_episodes=episodes)
    found = FitOutput.of(fit, horizon=horizon, truth=truth)
    assert found.expected.to_frame()["episode"].max() == last
    assert found.new.to_frame()["episode"].max() == last


def test_forecasts_extend_to_the_later_episodes(fit):
    later = read_runs(example_runs_path())
    assert FitOutput.of(fit, truth=later).new.to_frame()["episode"].max() == 30
    soon = read_runs(example_runs_path(), max_episodes=13)
    assert FitOutput.of(fit, truth=soon).new.to_frame()["episode"].max() == 24


def test_palm_json_has_palms_keys_and_the_posterior(fit, out):
    params = params_of(out / "entropy")
    assert list(params) == [*PALM_KEYS, "posterior"]
    assert [params[word] for word in PALM_KEYS[:6]] == [
        *["digits", "logistic", "entropy", 12, "PALM (episodes)", 20.0],
    ]
    rows = fit.summary(0.8).query("strategy == 'entropy'").set_index("parameter")
    for name in PARAMETERS:
        assert params["posterior"][name] == pytest.approx(
            rows.loc[name, ["median", "lower", "upper"]].to_dict()
        )
    assert params["posterior"]["probability"] == 0.8
    assert params["posterior"]["converged"] is True


def test_who_recomputes_the_curve_by_palms_formula_gets_y_fit(fit, out):
    params = params_of(out / "random")
    A, d, a, b = (params[name] for name in PARAMETERS)
    y_fit = np.load(out / "random" / "y_fit.npy")
    x = np.unique(fit.runs.table["x"])
    np.testing.assert_allclose(A * (1 - (1 - d) ** (x + a) ** b), y_fit, rtol=1e-12)
    assert y_fit.shape == (12,)


def test_means_are_over_the_repetitions_that_have_the_episode(ragged_fit):
    found = FitOutput.of(ragged_fit, horizon=1)
    for strategy in ragged_fit.runs.strategies:
        table = ragged_fit.runs.strategy(strategy).table
        means = [rows["accuracy"].mean() for _, rows in table.groupby("episode")]
        np.testing.assert_allclose(found.palm(strategy).y_avg, means)


def test_palm_csv_has_palms_columns_and_digits(out):
    text = (out / "entropy" / "palm_params.csv").read_text(encoding="utf-8")
    header, row = csv.reader(io.StringIO(text))
    assert header == PALM_KEYS[:-1]
    assert row[:6] == ["digits", "logistic", "entropy", "12", "PALM (episodes)", ""]
    assert [len(number.split(".")[1]) for number in row[6:]] == [6, 8, 8, 8]


def test_palms_files_are_in_the_unit_of_the_user(fit):
    percent = replace(fit, runs=replace(fit.runs, score=Score(percent=True)))
    found, same = (FitOutput.of(one, horizon=1).palm("random") for one in (percent, fit))
    np.testing.assert_allclose(found.y_avg, 100 * same.y_avg)
    np.testing.assert_allclose(found.y_fit, 100 * same.y_fit)
    assert found.params["A_max"] == pytest.approx(100 * same.params["A_max"])
    assert found.params["delta"] == same.params["delta"]
    assert found.params["mode"] == "PALM (cumulative-normalized, b=20)"


def test_a_fit_that_did_not_converge_is_said(fit):
    verdicts = fit.convergence.table.assign(passed=[True, False])
    doubted = replace(fit, convergence=Convergence(verdicts))
    found = FitOutput.of(doubted, horizon=1)
    told = [found.palm(name).params["posterior"]["converged"] for name in fit.runs.strategies]
    assert told == [True, False]
    assert found.tables.document()["converged"] is False


def test_the_document_is_of_json(fit):
    found = Tables(fit, 0.5, diagnostics=False).document()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["probability"], found["batch"], found["metric"]) == (0.5, 20, "accuracy")
    point = found["strategies"]["random"]["point"]
    assert point == pytest.approx(fit.representative().loc["random", list(PARAMETERS)].to_dict())


def test_all_files_are_written_or_none(fit, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("palm_bayes.plots.curves.plot_curves", fail)
    with pytest.raises(ValueError, match="No space left on device"):
        FitOutput.of(fit, horizon=1).write(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_figures_have_the_format_of_the_look(fit, tmp_path):
    files = FitOutput.of(fit, horizon=1).write(tmp_path / "out", palm=False, look=Look(kind="svg"))
    drawn = {file.name for file in files if file.suffix not in {".nc", ".csv"}}
    assert drawn == {"curves.svg", "comparison.svg"}
    assert b"<svg" in (tmp_path / "out" / "comparison.svg").read_bytes()
