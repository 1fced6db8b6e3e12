"""Fixtures that more than one test file needs."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from palm_bayes.data import example_runs_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palm_bayes.data.runs import Runs
    from palm_bayes.palm_fit import PalmFit

# A shared machine is slow now and then: that is no failure.
settings.register_profile("palm_bayes", deadline=None)
settings.load_profile("palm_bayes")


@pytest.fixture(scope="session")
def curves_dir() -> Path:
    """Return the folder of real curves, too large to commit; its tests are skipped without it."""
    named = os.environ.get("PALM_BAYES_CURVES")
    if not named:
        pytest.skip("PALM_BAYES_CURVES does not name a folder of curves (make slow CURVES=dir)")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"PALM_BAYES_CURVES is {named!r}, which is not a folder")
    return folder


@pytest.fixture(scope="session")
def example_runs() -> "Runs":
    """Return the first 12 episodes of the bundled example, whose later ones are hidden."""
    from palm_bayes.reading.read import read_runs

    return read_runs(example_runs_path(), max_episodes=12)


@pytest.fixture(scope="session")
def fit(example_runs) -> "PalmFit":
    """Fit two strategies of the example for real: the one fit that all tests share."""
    from palm_bayes.palm_fit import fit_runs

    return fit_runs(example_runs, strategies=["random", "entropy"], seed=1)


@pytest.fixture(scope="session")
def error_fit(fit) -> "PalmFit":
    """Return the fit of a user who gave 1 - accuracy as an error: the draws are the same."""
    from dataclasses import replace

    from palm_bayes.data.score import Score
    from palm_bayes.palm_fit import PalmFit

    runs = replace(fit.runs, score=Score("error rate", lower_is_better=True), notes=())
    return PalmFit(runs, fit.trace, fit.convergence)


@pytest.fixture(scope="session")
def ragged_fit(example_runs) -> "PalmFit":
    """Fit all six strategies for real: runs of unequal length, uneven batches, odd labels."""
    import warnings

    from palm_bayes.data.runs import Runs
    from palm_bayes.errors import PalmWarning
    from palm_bayes.palm_fit import fit_runs

    table = example_runs.table.drop(columns="x")
    strategy, repetition = (table[name].factorize()[0] for name in ("strategy", "repetition"))
    jitter = (strategy + repetition + table["episode"]) % 2
    table["labels"] = (12 * table["episode"] ** 1.2).round() + jitter
    ends = 12 - (2 * strategy + repetition) % 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PalmWarning)  # of runs that end early
        return fit_runs(Runs.from_frame(table[table["episode"] <= ends]), seed=1)


@pytest.fixture
def falling_fit(fit) -> "PalmFit":
    """Return the fit as if its check had found the curve of "random" to fall."""
    from dataclasses import replace

    from palm_bayes.inference.predictive_check import PredictiveCheck

    table = fit.predictive_check.table.copy()
    table.loc["random", ["passed", "finding"]] = [False, "it falls"]
    doubted = replace(fit)
    vars(doubted)["predictive_check"] = PredictiveCheck(table)
    return doubted


@pytest.fixture
def unexplained():
    """Return a function of JSON objects: their keys that the page on files does not explain."""
    page = Path(__file__).parents[1] / "docs/reference/file-formats.md"
    text = page.read_text(encoding="utf-8").partition("## JSON on stdout")[2]
    return lambda *parts: {key for part in parts for key in part if f"`{key}`" not in text}


@pytest.fixture
def quick_sampler(monkeypatch):
    """A sampler that draws around one curve; holds the numbers of observations it was given."""
    import numpy as np
    import xarray as xr

    from palm_bayes.inference import nuts
    from palm_bayes.inference.draws import labelled
    from palm_bayes.model.curve import COORDINATES

    calls = []

    def sampled(data, priors, region, settings, seed, tell):
        calls.append(len(data.x))
        size = (settings.chains, settings.draws)
        rng = np.random.default_rng(seed)
        curves = np.array([0.96, -0.9, 0.5, 0.7]) + 0.01 * rng.standard_normal((*size, 4))
        numbers = dict(zip(COORDINATES, np.moveaxis(curves, -1, 0), strict=True)) | {
            "noise": rng.uniform(0.01, 0.02, size),
            "noise_ratio": rng.uniform(1, 3, size),
            "rho": rng.uniform(0.2, 0.5, size),
            "shared": rng.uniform(0.1, 0.3, size),
            "lasting": rng.uniform(0.1, 0.3, size),
        }
        posterior = labelled(numbers).assign_coords(draw=range(size[1]))
        stats = {"n_steps": 7, "energy": rng.standard_normal(size), "step_size": 0.4}
        stats = {name: np.broadcast_to(value, size) for name, value in stats.items()}
        stats["diverging"] = np.zeros(size, dtype=bool)
        each = xr.Dataset({name: (("chain", "draw"), value) for name, value in stats.items()})
        return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": each})

    verdict = {"r_hat": 1.0, "ess_bulk": 900.0, "ess_tail": 900.0, "divergences": 0}
    verdict |= {"e_bfmi": 0.9, "passed": True, "advice": ""}
    monkeypatch.setattr(nuts, "_with_nutpie", sampled)
    monkeypatch.setattr(nuts, "diagnose", lambda *_: verdict)
    monkeypatch.setattr("palm_bayes.inference.fitting.compile_programs", lambda priors: None)
    return calls


@pytest.fixture(scope="module")
def dask_here() -> "Iterator[str]":
    """Run a Dask scheduler and a worker in this process, which stand-ins reach, by TCP.

    Its threads draw from `random`, which Hypothesis refuses in tests that run meanwhile.
    """
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        protocol="tcp",
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster.scheduler_address


HOSTILE = '<script>alert("1")</script> & $x_1$'


@pytest.fixture(scope="session")
def hostile_fit(fit) -> "PalmFit":
    """Return the fit with a name of markup for "random", as a user might give it."""
    from dataclasses import replace

    from palm_bayes.inference.convergence import Convergence
    from palm_bayes.palm_fit import PalmFit

    names = {"random": HOSTILE}
    runs = replace(fit.runs, table=fit.runs.table.replace({"strategy": names}), origins={})

    def renamed(part):
        there = [name for name in ("strategy", "of_strategy") if name in part.coords]
        named = {n: [names.get(s, s) for s in part[n].to_numpy()] for n in there}
        return part.assign_coords({n: (part[n].dims, values) for n, values in named.items()})

    table = fit.convergence.table.rename(index=names)
    return PalmFit(runs, fit.trace.map_over_datasets(renamed), Convergence(table))


class QuickFit:
    """What a backtest asks of a fit, with made-up draws."""

    def __init__(self, runs):
        import pandas as pd

        passed = pd.DataFrame({"passed": True}, index=list(runs.strategies))
        self.runs, self.convergence = runs, SimpleNamespace(table=passed)
        self.predictive_check = SimpleNamespace(table=passed)

    def forecast(self, scope, seed, labels):
        import numpy as np
        import xarray as xr

        names = self.runs.table["repetition"].unique()
        strategies = list(self.runs.strategies)
        shape = (2, 20, len(strategies), len(names), len(labels))
        draws = np.random.default_rng(seed).uniform(0.8, 0.95, shape)
        coords = {"strategy": strategies, "repetition": names, "x": labels}
        dims = ("chain", "draw", "strategy", "repetition", "x")
        return SimpleNamespace(draws=xr.DataArray(draws, coords, dims))


ASKED = [
    *(f"palm_bayes.decisions.{m}" for m in ("trajectories", "projection", "information_value")),
    *(f"palm_bayes.{m}" for m in ("decisions.decide", "evaluation.backtest", "report.export")),
]


def stand_ins_forecast(monkeypatch):
    """Let those modules ask whatever has a method `forecast` by it: a stand-in, or a `PalmFit`."""
    from palm_bayes.forecast.forecast import forecast

    def asked(fit, **options):
        return fit.forecast(**options) if hasattr(fit, "forecast") else forecast(fit, **options)

    for module in ASKED:
        monkeypatch.setattr(f"{module}.forecast", asked)


@pytest.fixture
def quick_fit(monkeypatch):
    """A stand-in for a fit in backtests: takes runs, costs nothing."""
    stand_ins_forecast(monkeypatch)
    return QuickFit


EPISODES, BATCH = range(1, 6), 10


def task(levels, *, percent=False, labels=True):
    """Return runs of 5 episodes and 10 labels each; `levels` by strategy are its repetitions'."""
    import pandas as pd

    from palm_bayes.data.runs import Runs

    rows = [
        {
            "strategy": name,
            "repetition": str(i),
            "episode": e,
            "labels": BATCH * e,
            "accuracy": (level + 0.05 * e) * (100 if percent else 1),
        }
        for name, repetitions in levels.items()
        for i, level in enumerate(repetitions)
        for e in EPISODES
    ]
    table = pd.DataFrame(rows)
    return Runs.from_frame(table if labels else table.drop(columns="labels"))


def stand_in(runs, curves):
    """Return a fit whose draws are `curves[strategy]`, a function of the episode each."""
    import numpy as np
    import pandas as pd
    import xarray as xr

    def forecast(labels=None, episodes=None, scope="expected", misfit=None, seed=0):
        x = np.asarray(episodes if labels is None else labels, float)
        x = x / (1 if labels is None else BATCH)
        draws = np.stack([np.stack([c(x) for c in curves[s]]) for s in runs.strategies], 1)
        future = np.tile(x > EPISODES[-1], (len(runs.strategies), 1))
        coords = {
            "strategy": list(runs.strategies),
            "x": x,
            "future": (("strategy", "x"), future),
        }
        dims = ("chain", "draw", "strategy", "x")
        return SimpleNamespace(draws=xr.DataArray(draws[None], coords, dims))

    point = pd.DataFrame({"A_max": 0.9, "delta": 0.1, "alpha": 1.0, "beta": 1.0}, runs.strategies)
    passed = SimpleNamespace(table=pd.DataFrame({"passed": True}, index=list(runs.strategies)))
    return SimpleNamespace(
        runs=runs,
        forecast=forecast,
        representative=lambda: point,
        convergence=passed,
        predictive_check=passed,
    )


@pytest.fixture
def made_up(monkeypatch):
    """Return makers of runs and of fits whose draws, and so whose answers, are known."""
    stand_ins_forecast(monkeypatch)
    return SimpleNamespace(
        task=task, stand_in=stand_in, line=lambda start, slope: lambda x: start + slope * x
    )


@pytest.fixture
def four(made_up):
    """Return a fit of four draws: a is at 0.5 after 30, 42, 80 labels, or never; b after 55."""
    ends = [lambda x, n=n: 0.1 + 0.4 * x / n for n in (3, 4.2, 8)]
    curves = {"a": [*ends, made_up.line(0.1, 0)], "b": [lambda x: 0.5 * x / 5.5] * 4}
    return made_up.stand_in(made_up.task({"a": (0.1, 0.2, 0.3), "b": (0.2, 0.1, 0.3)}), curves)
