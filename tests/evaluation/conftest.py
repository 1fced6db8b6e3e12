"""Curves known but for their misfit, and tasks of a study."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data import example_runs_path
from palm_bayes.evaluation.held_out import DRAWS, FittedTask, Later
from palm_bayes.model.misfit import Misfit, steps_until

T = np.array([0.3, 0.7, 1.1])


def later(misfit, seed, common=0.0, higher=0.0):
    """Curves known but for their misfit, which is drawn; noise of 0.005."""
    rng = np.random.default_rng(seed)
    rise = np.log1p(2 * T)
    steps = np.log1p(2 * steps_until(T))
    along = np.tile(1 + higher + 0.3 * steps, (DRAWS, 1)) + 0.01 * rng.standard_normal((DRAWS, 1))
    noise = np.full((DRAWS, 1), 0.05)
    z = np.sqrt(1 - misfit.common) * rng.standard_normal() + np.sqrt(misfit.common) * common
    odds = along[:, :1] + 0.3 * rise
    truth = misfit.expected(odds[:1], along[:1], noise[:1], T, np.array([[z]]))[0]
    observed = truth + 0.005 * rng.standard_normal((2, len(T)))
    observed[0] += 0.01 * np.sqrt(misfit.becomes_shared(T)) * rng.standard_normal(len(T))
    shape = (2, DRAWS, len(T))
    gain = 0.3 * np.log1p(2 * np.log(2)) * np.exp(0.2 * rng.standard_normal(DRAWS))
    return Later(
        odds=odds, along=along, noise=noise, gain=gain,
        log_start=0.3 * rng.standard_normal(DRAWS),
        log_beta=-1.5 + 0.3 * rng.standard_normal(DRAWS),
        shift=np.zeros(shape), variance=np.full(shape, 0.005**2),
        own=np.full(shape[1:], 0.01**2), observed=observed, t=T,
    )  # fmt: skip


def tasks(misfit, count=150, strategies=1, apart=0.0):
    rng = np.random.default_rng(5)
    return [
        FittedTask(
            "ab"[i % 2],
            tuple(later(misfit, 100 * i + j, z, apart * j) for j in range(strategies)),
            0.0,
        )
        for i, z in enumerate(rng.standard_normal(count))
    ]


TRUE = Misfit(
    scale=0.15,
    by_noise=0.3,
    power=1.5,
    by_gain=0.05,
    straight=0.2,
    tail=0.1,
    later_shared=0.3,
    common=0.6,
    between_gains=1,
    between_gains_width=1,
    between_levels=1,
    between_levels_width=1,
)


@pytest.fixture(scope="session")
def three_tasks():
    """Return three tasks of two strategies, the third with a row that is no accuracy."""
    frame = pd.read_csv(example_runs_path()).query("repetition <= 3 and episode <= 8")
    frame = frame[frame["strategy"].isin(["random", "margin"])]
    bad = frame.assign(dataset="bad")
    bad.loc[bad.index[bad["strategy"] == "margin"][5], "accuracy"] = -3
    return pd.concat(
        [frame, frame.assign(dataset="percent", accuracy=100 * frame["accuracy"]), bad],
        ignore_index=True,
    )


@pytest.fixture(scope="session")
def past():
    """Makers of past curves whose misfit is known."""
    return SimpleNamespace(later=later, tasks=tasks, true=TRUE, t=T)
