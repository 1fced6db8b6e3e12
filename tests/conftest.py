"""Fixtures that more than one test file needs."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from palm_bayes.data import example_runs_path

if TYPE_CHECKING:
    from palm_bayes.fitting import PalmFit
    from palm_bayes.runs import Runs

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
    from palm_bayes.readers import read_runs

    return read_runs(example_runs_path(), max_episodes=12)


@pytest.fixture(scope="session")
def fit(example_runs) -> "PalmFit":
    """Fit two strategies of the example for real: the one fit that all tests share."""
    from palm_bayes.fitting import fit_runs

    return fit_runs(example_runs, strategies=["random", "entropy"], seed=1)


class QuickFit:
    """What a backtest asks of a fit, with made-up draws."""

    def __init__(self, runs):
        self.runs, self.convergence = runs, SimpleNamespace(passed=True)
        self.predictive_check = SimpleNamespace(passed=True)

    def forecast(self, scope, seed, labels):
        import numpy as np
        import xarray as xr

        names = self.runs.table["repetition"].unique()
        draws = np.random.default_rng(seed).uniform(0.8, 0.95, (2, 20, 1, len(names), len(labels)))
        coords = {"repetition": names, "x": labels}
        dims = ("chain", "draw", "strategy", "repetition", "x")
        return SimpleNamespace(draws=xr.DataArray(draws, coords, dims))


@pytest.fixture(scope="session")
def quick_fit():
    """A stand-in for a fit in backtests: takes runs, costs nothing."""
    return QuickFit
