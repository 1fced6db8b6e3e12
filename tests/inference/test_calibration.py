"""Simulation-based calibration in small; `benchmarks/calibration.py` has the whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("an unpacked copy of the package alone", allow_module_level=True)

SIMULATIONS = 60


@pytest.fixture(scope="module")
def calibration():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        import calibration

        yield calibration


def smallest(calibration, ranks):
    """The smallest p-value, by Bonferroni's bound over the quantities."""
    p = calibration.uniformity(ranks)
    return len(p) * min(p.values())


@pytest.mark.slow
@pytest.mark.parametrize("design", ["ragged", "strategies"])
def test_truths_rank_evenly_among_the_draws(calibration, design):
    ranks = [calibration.ranked(design, seed).assign(seed=seed) for seed in range(SIMULATIONS)]
    ranks = pd.concat(ranks, ignore_index=True)
    assert ranks["passed"].mean() > 0.95
    assert smallest(calibration, ranks) > 0.001


@pytest.mark.slow
def test_a_wrong_truth_shows(calibration, monkeypatch):
    """With accuracies of twice the noise the ranks are far from uniform."""

    def noisier(design, rng, drawn=calibration.drawn):
        task = drawn(design, rng)
        curve = task.points.curve(design.data.x)[:, None]
        return replace(task, y=np.clip(curve + 2 * (task.y - curve), 0, 1))

    monkeypatch.setattr(calibration, "drawn", noisier)
    ranks = [calibration.ranked("default", seed).assign(seed=seed) for seed in range(SIMULATIONS)]
    assert smallest(calibration, pd.concat(ranks, ignore_index=True)) < 0.001


def test_ranks_among_draws_of_the_same_distribution_are_uniform(calibration):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((400, 1 + calibration.THINNED)).round(1)  # with ties
    found = [calibration.rank(one[0], one[1:], rng) for one in values]
    ranks = pd.DataFrame({"quantity": "value", "seed": range(len(found)), "rank": found})
    assert smallest(calibration, ranks) > 0.01
    assert smallest(calibration, ranks.assign(rank=ranks["rank"] ** 1.5)) < 1e-6
