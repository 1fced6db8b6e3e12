"""Backtests, with a stand-in for the sampler; the real one runs in the last tests."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from palm_bayes import backtest
from palm_bayes.data import example_runs_path
from palm_bayes.data.quantiles import QUANTILES
from palm_bayes.errors import DataError, PalmWarning, SamplingError, WorkerError
from palm_bayes.evaluation import backtest as backtesting
from palm_bayes.evaluation import scores as scoring
from palm_bayes.evaluation.backtest_result import COLUMNS, KEY, Backtest
from palm_bayes.forecast import baselines
from palm_bayes.model.priors import Priors
from palm_bayes.palm_fit import fit_runs
from palm_bayes.reading.read import read_runs

NAMES = [f"q{100 * p:g}" for p in QUANTILES]
FAST = {"draws": 40, "tune": 1, "chains": 2, "seed": 3}


@pytest.fixture
def stand_in(monkeypatch, quick_sampler):
    """The sampler's stand-in, and few baselines."""
    monkeypatch.setattr(baselines, "_FITTERS", FEW)
    return quick_sampler


# The others are tested where they are, and take their time.
FEW = dict.fromkeys(baselines.NAMES, baselines._last_value)


@pytest.fixture
def quick(monkeypatch, quick_fit):
    """Made-up fits; holds the strategies and numbers of episodes that were fitted."""
    calls = []

    def fitted(runs, **options):
        calls.append((*runs.strategies, int(runs.table["episode"].max())))
        return quick_fit(runs)

    monkeypatch.setattr(backtesting, "fit_validated", fitted)
    monkeypatch.setattr(baselines, "_FITTERS", FEW)
    monkeypatch.setattr(Backtest, "plot", lambda self: Figure())
    return calls


@pytest.fixture(scope="module")
def table():
    frame = pd.read_csv(example_runs_path()).query("repetition <= 3")
    return frame[frame["strategy"].isin(["random", "margin"])].reset_index(drop=True)


def same(one, two):
    for name in (*COLUMNS, "observed"):
        pd.testing.assert_frame_equal(
            getattr(one, name), getattr(two, name), check_exact=True, check_dtype=False
        )


def test_tables(stand_in, table):
    found = backtest(table, train_episodes=[20], train_fractions=[0.25], **FAST)
    assert stand_in == [3 * 8, 3 * 8, 3 * 20, 3 * 20]  # both strategies, then the other size
    for name, columns in COLUMNS.items():
        assert list(getattr(found, name)) == columns
    rows = found.forecasts
    sizes = rows.groupby(["strategy", "train_episodes", "scope"]).size()
    assert sizes["random"].to_dict() == {
        (8, "mean"): 22, (8, "repetition"): 66, (20, "mean"): 10, (20, "repetition"): 30,
    }  # fmt: skip
    assert set(rows["dataset"] + rows["model"] + rows["source"]) == {"digitslogistic"}
    assert (np.diff(rows[NAMES].to_numpy()) >= 0).all()
    assert (rows["episode"] > rows["train_episodes"]).all()
    assert (rows["labels"] == 20 * rows["episode"]).all()
    truth = table.astype({"repetition": str}).rename(columns={"accuracy": "truth"})
    single = rows[rows["scope"] == "repetition"].merge(
        truth[["strategy", "repetition", "episode", "truth"]], validate="many_to_one"
    )
    np.testing.assert_allclose(single["observed"], single["truth"])
    means = single.groupby(["strategy", "train_episodes", "episode"])["truth"].mean()
    mean = rows[rows["scope"] == "mean"].set_index(means.index.names)
    np.testing.assert_allclose(mean["observed"], means.reindex(mean.index))
    assert set(mean["repetition"]) == {""}


def test_the_two_scopes_are_of_the_same_draws(stand_in, table):
    rows = backtest(table, train_episodes=[20], **FAST).forecasts
    by = ["strategy", "episode"]
    single = rows[rows["scope"] == "repetition"].groupby(by)["mean"].mean()
    mean = rows[rows["scope"] == "mean"].set_index(by)
    np.testing.assert_allclose(mean["mean"], single.reindex(mean.index), rtol=1e-12)
    widths = {scope: (part["q90"] - part["q10"]).mean() for scope, part in rows.groupby("scope")}
    assert widths["mean"] < 0.95 * widths["repetition"]  # noise averages out, the curve's does not


def test_forecasts_are_those_of_a_fit(stand_in, table):
    rows = backtest(table, train_episodes=[20], **FAST).forecasts
    fit = fit_runs(read_runs(table).first(20), **FAST)
    expected = fit.forecast(horizon=10, scope="continuing", seed=3).to_frame()
    by = ["strategy", "repetition", "episode"]
    expected = expected[expected["future"]].set_index(by)
    single = rows[rows["scope"] == "repetition"].set_index(by)
    np.testing.assert_allclose(single[NAMES], expected.loc[single.index, NAMES])


def test_scores(stand_in, table):
    found = backtest(table, train_episodes=[20], strategies="random", **FAST)
    scores = found.scores.set_index(["scope", "third", "forecaster"])
    assert len(scores) == len(found.scores) == 2 * 4 + 4 * len(baselines.NAMES)
    rows = found.forecasts.assign(crps=0.0, log_score=0.0)
    rows["third"] = scoring.third(rows["episode"], 20, 30)
    for scope, third in (("mean", "all"), ("repetition", "last")):
        part = rows[(rows["scope"] == scope)]
        part = part if third == "all" else part[part["third"] == third]
        row = scores.loc[(scope, third, "palm_bayes")]
        expected = scoring.score(part)
        for name in ("n", "mae", "coverage_50", "coverage_80", "coverage_95", "width_80"):
            assert row[name] == pytest.approx(expected[name]), name
        assert 0 < row["crps"] <= row["mae"] + row["width_80"]
        assert np.isfinite(row["log_score"])
    last = table.query("strategy == 'random' and episode == 20")["accuracy"].mean()
    truth = table.query("strategy == 'random' and episode > 20").groupby("episode")["accuracy"]
    error = (truth.mean() - last).abs().mean()
    assert scores.loc[("mean", "all", "last_value"), "mae"] == pytest.approx(error)
    assert scores.loc[("mean", "all", "last_value"), "crps"] == pytest.approx(error)
    assert set(found.scores["passed"].dropna()) <= {True, False}
    assert set(found.scores["reason"]) == {""}


def test_runs_of_unequal_length(stand_in, table):
    late = table["repetition"].astype(str).isin(["2"])
    never = table["repetition"].astype(str).isin(["3"])
    begun = (table["episode"] > 20) | ~never
    kept = table[((table["episode"] <= 24) | ~late) & begun]
    found = backtest(kept, train_episodes=[20], strategies="margin", **FAST)
    rows = found.forecasts.query("scope == 'repetition'").groupby("episode")["repetition"]
    there = rows.apply(set).to_dict()
    assert all("3" not in names for names in there.values())
    assert [len(there[episode]) for episode in (21, 24, 25, 30)] == [2, 2, 1, 1]
    mean = found.forecasts.query("scope == 'mean'").set_index("episode")
    truth = kept[(kept["strategy"] == "margin") & (kept["repetition"].astype(str) != "3")]
    expected = truth.groupby("episode")["accuracy"].mean()
    np.testing.assert_allclose(mean["observed"], expected.reindex(mean.index))


def test_forecasts_are_at_the_labels_that_came(stand_in, table, monkeypatch):
    """A batch that is twice as large from episode 21 on is known beforehand."""
    asked = []
    forecast = backtesting.forecast

    def spied(fit, **options):
        asked.append(options)
        return forecast(fit, **options)

    monkeypatch.setattr(backtesting, "forecast", spied)
    later = table.assign(labels=table["labels"] + 20 * (table["episode"] - 20).clip(lower=0))
    rows = backtest(later, train_episodes=[20], strategies="random", **FAST).forecasts
    np.testing.assert_allclose(asked[0]["labels"], 400 + 40 * np.arange(1, 11))
    assert rows["labels"].max() == 800
    bare = table.drop(columns="labels")
    rows = backtest(bare, train_episodes=[20], strategies="random", **FAST).forecasts
    np.testing.assert_allclose(asked[1]["episodes"], np.arange(21, 31))
    assert rows["labels"].isna().all()


def test_equal_sizes_are_judged_once(quick, table):
    found = backtest(table.query("episode <= 10"), strategies="random", **FAST)
    assert found.fits["train_episodes"].tolist() == [5]


def test_a_cell_that_fails_is_a_row(quick, quick_fit, table, monkeypatch):
    def failing(runs, **options):
        if "margin" in runs.strategies:  # the others are fitted without it
            raise SamplingError("the sampler\nbroke down")
        return quick_fit(runs)

    monkeypatch.setattr(backtesting, "fit_validated", failing)
    short = table[table["strategy"] == "margin"].assign(strategy="short").query("episode <= 3")
    middling = short.assign(strategy="middling")
    middling = pd.concat([middling.assign(episode=e, labels=20 * e) for e in range(1, 21)])
    middling = middling.drop_duplicates(["repetition", "episode"])
    every = pd.concat([table, short, middling], ignore_index=True)
    found = backtest(every, train_episodes=[20], **FAST)
    assert found.failed.set_index("strategy")["reason"].to_dict() == {
        "margin": "SamplingError: the sampler broke down",
        "middling": "20 episodes, needed are 21: 20 to train, 1 to score",
        "short": "3 episodes, needed are 21: 20 to train, 1 to score",
    }
    assert set(found.forecasts["strategy"]) == {"random"}
    assert (found.scores.loc[found.scores["n"] == 0, "forecaster"] == "").all()
    judged = found.scores.query("forecaster == 'palm_bayes' and strategy == 'random'")
    assert set(judged["reason"]) == {
        "fitted without its task: SamplingError: the sampler broke down"
    }


def test_a_fault_of_the_program_is_no_failed_cell(quick, table, monkeypatch):
    def faulty(runs, **options):
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr(backtesting, "fit_validated", faulty)
    with pytest.raises(ValueError, match="broadcast"):
        backtest(table, train_episodes=[20], **FAST)


def test_a_cell_that_failed_is_tried_again(quick, quick_fit, table, tmp_path, monkeypatch):
    def failing(runs, **options):
        raise SamplingError("no memory")

    options = {"train_episodes": [20], "out": tmp_path, **FAST}
    monkeypatch.setattr(backtesting, "fit_validated", failing)
    assert len(backtest(table, **options).failed) == 2
    monkeypatch.setattr(backtesting, "fit_validated", lambda runs, **_: quick_fit(runs))
    assert backtest(table, **options).failed.empty


def test_all_cells_fail(table, monkeypatch, tmp_path):
    def failing(runs, **options):
        raise FloatingPointError("no")

    monkeypatch.setattr(backtesting, "fit_validated", failing)
    found = backtest(table, train_episodes=[20], out=tmp_path / "out", **FAST)
    assert len(found.failed) == 2
    assert found.sentence == "No cell could be scored."
    files = {file.name for file in (tmp_path / "out").iterdir()}
    assert files == {"cells", "forecasts.csv", "baselines.csv", "scores.csv"}
    assert list(pd.read_csv(tmp_path / "out" / "forecasts.csv")) == COLUMNS["forecasts"]


def test_odd_data_do_not_warn(stand_in, table):
    one = table[table["repetition"] == table["repetition"].iloc[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error", PalmWarning)
        backtest(one, train_episodes=[20], strategies="random", **FAST)


def test_progress(quick, table):
    told = []
    backtest(table, train_episodes=[20], progress=lambda *news: told.append(news), **FAST)
    assert told == [
        ("2 cells", "", 0.0),
        ("digits / logistic from 20 episodes, 1 of 1", "", 1.0),
    ]


def test_it_goes_on_where_it_was_cut_off(quick, table, tmp_path):
    whole = backtest(table, train_episodes=[12, 20], **FAST)
    assert quick == [("random", "margin", 12), ("random", "margin", 20)]
    out = tmp_path / "out"

    def cut_off(stage, strategy, fraction):
        if fraction == 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backtest(table, train_episodes=[12, 20], out=out, progress=cut_off, **FAST)
    assert [file.name for file in out.iterdir()] == ["cells"]
    assert len(list((out / "cells").glob("*.part.json"))) == 2
    quick.clear()
    told = []
    resumed = backtest(
        table, train_episodes=[12, 20], out=out, progress=lambda *news: told.append(news), **FAST
    )
    assert quick == [("random", "margin", 20)]
    assert [news[2] for news in told] == [0.0, 0.5, 1.0]
    same(resumed, whole)
    quick.clear()
    fewer = backtest(table, train_episodes=[12], out=out, **FAST)  # others are kept, not mixed in
    assert set(fewer.forecasts["train_episodes"]) == {12}
    assert not quick
    assert (pd.read_csv(out / "forecasts.csv")["train_episodes"] == 12).all()


def test_workers_change_nothing(stand_in, table, tmp_path, dask_here):
    here = backtest(table, train_episodes=[12, 20], **FAST)
    there = backtest(table, train_episodes=[12, 20], out=tmp_path, scheduler=dask_here, **FAST)
    same(here, there)
    assert len(list((tmp_path / "cells").glob("*.part.json"))) == 4


def test_cells_whose_workers_died_say_so(stand_in, table, monkeypatch):
    def run(self, work, jobs):
        for i, (name, job) in enumerate(jobs.items()):
            yield name, work(job) if i else WorkerError("4 workers died while running it")

    monkeypatch.setattr("palm_bayes.evaluation.runner.Runner.run", run)
    found = backtest(table, train_episodes=[12, 20], **FAST)
    assert found.failed["train_episodes"].tolist() == [12, 12]
    assert (found.failed["reason"] == "4 workers died while running it").all()
    assert found.fits["train_episodes"].tolist() == [20, 20]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 4}, "seed was 3, is 4"),
        ({"draws": 50}, "draws was 40, is 50"),
        ({"priors": "bounds", "draws": 100}, "priors was default, is bounds"),
        ({"data": None}, "the data are others"),
    ],
)
def test_other_settings_do_not_mix(quick, table, tmp_path, change, said):
    def run(**options):
        data = options.pop("data")
        return backtest(
            data, train_episodes=[20], strategies="random", out=tmp_path, **(FAST | options)
        )

    run(data=table)
    changed = {"data": table} | change
    if changed["data"] is None:
        changed["data"] = table.assign(accuracy=table["accuracy"] * 0.99)
    with pytest.raises(DataError, match=said):
        run(**changed)
    quick.clear()
    run(**changed, fresh=True)
    assert quick
    assert json.loads((tmp_path / "cells" / "settings.json").read_text())["priors"] in {
        *("default", "bounds")
    }


def test_own_priors_are_never_resumed(quick, table, tmp_path):
    options = {"train_episodes": [20], "strategies": "random", "priors": Priors(), **FAST}
    backtest(table, out=tmp_path, **options)
    with pytest.raises(DataError, match="priors was own"):
        backtest(table, out=tmp_path, **options)


def test_files_of_others_are_not_replaced(quick, table, tmp_path):
    (tmp_path / "scores.csv").write_text("mine", encoding="utf-8")
    options = {"train_episodes": [20], "strategies": "random", "out": tmp_path, **FAST}
    with pytest.raises(DataError, match=r"holds scores\.csv, but no cells of a backtest"):
        backtest(table, **options)
    assert not quick
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    backtest(table, fresh=True, **options)
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8") != "mine"
    backtest(table, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"train_fractions": [0]}, "training fraction is 0, but must be above 0 and below 1"),
        ({"train_fractions": [25]}, "training fraction is 25"),
        ({"train_episodes": [4]}, "train_episodes is 4, but must be at least 5"),
        ({"train_episodes": [], "train_fractions": []}, "neither a training fraction"),
        ({"train_episodes": [30]}, "no cell can be scored: 30 episodes, needed are 31"),
        ({"strategies": ["margn"]}, "did you mean 'margin'"),
        ({"draws": 1}, "draws is 1"),
        ({"priors": "flat"}, "no prior set 'flat'"),
        ({"priors": 3}, "priors is of type int, but must be 'default', 'bounds' or Priors"),
        ({"strategies": 3}, "no strategy 3: there are"),
        ({"look": "pdf"}, "look is of type str, but must be a palm_bayes.files.Look"),
        ({"fresh": "no"}, "fresh is 'no', but must be True or False"),
        ({"scheduler": 8786}, "scheduler is of type int, but must be text"),
        ({"progress": True}, "progress is True, but must be a function"),
    ],
)
def test_mistakes_write_nothing(quick, table, tmp_path, options, said):
    with pytest.raises(DataError, match=said):
        backtest(table, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    assert not quick


def test_real_fits_give_the_same_numbers_for_the_same_seed(table, tmp_path):
    options = {"train_episodes": [8], "strategies": "random", "draws": 50, "chains": 2}
    short = table.query("episode <= 12")
    one, two = (backtest(short, seed=1, **options) for _ in range(2))
    same(one, two)
    other = backtest(short, seed=2, **options)
    assert (other.forecasts["q50"] != one.forecasts["q50"]).all()
    assert one.fits[KEY].to_numpy().tolist() == [["", "digits", "logistic", "random", 8]]
    assert one.scores["crps"].between(0, 0.1).all()


@pytest.mark.slow
def test_real_curves(curves_dir):
    table = pd.read_csv(curves_dir / "openal.csv.gz", keep_default_na=False)
    some = table[table["dataset"] == table["dataset"].min()]
    found = backtest(some)
    assert found.failed.empty
    assert len(found.fits) == some["strategy"].nunique()
    assert found.overview.loc["palm_bayes", "coverage_80"] > 0.5
    assert found.overview.loc["palm_bayes", "crps"] < found.overview.loc["last_value", "crps"]


@pytest.mark.parametrize("first", [0, 1])
def test_episodes_may_be_numbered_by_twenties(quick, table, first):
    """Their numbers change nothing: 20, 40, 60 ... or 0, 20, 40 ... are 1, 2, 3 ..."""
    counted = table.query("episode <= 12")
    by_twenties = counted.assign(episode=20 * (counted["episode"] - 1 + first))
    one, other = (
        backtest(frame, train_fractions=[0.5], strategies="random", **FAST)
        for frame in (counted, by_twenties)
    )
    assert other.fits["train_episodes"].tolist() == [6]
    assert other.sentence == one.sentence
    assert other.reach == one.reach
    pd.testing.assert_frame_equal(other.by_distance, one.by_distance)
    pd.testing.assert_frame_equal(other.forecasts, one.forecasts)
    assert other.failed.empty


def test_too_few_draws_for_the_priors_are_no_failed_cells(quick, table):
    with pytest.raises(DataError, match="chains \\* draws is 40, but must be at least 200"):
        backtest(table, train_episodes=[20], priors="bounds", draws=20, tune=20, chains=2)
    assert quick == []
