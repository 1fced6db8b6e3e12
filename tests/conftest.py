"""Fixtures that more than one test file needs."""

import os
from pathlib import Path
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
