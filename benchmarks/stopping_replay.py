"""Real runs replayed episode by episode: what was expected when only the past was visible.

A run is what a user of a labelling loop sees: one repetition of a cell, alone. (`mean` is the other
choice: all repetitions side by side, judged by their mean.) Decisions are taken at every episode of
short runs from the fourth, the first that can be fitted, and at ever wider steps of long ones.
"""

import hashlib
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from cells import tasks
from numpy.typing import NDArray

from palm_bayes import DataError, PalmWarning, Runs, fit
from palm_bayes.data.limits import MIN_EPISODES
from palm_bayes.decisions.decide import DOUBTS, band_edges, mostly_prior, prior_dominates
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.stopping_rules import NetValue
from palm_bayes.evaluation.checkpoints import Checkpoints, Part
from palm_bayes.forecast.baselines import fitted

LEAST_EPISODES = MIN_EPISODES + 2  # else there is nothing to decide
MOST_DECISIONS = 10
LEAST_SQUARES = "palm_multistart"  # PALM.py's curve and bounds, from the best of many starts

OURS = ("palm_bayes", "low", "high")  # the mean, and the edges of the 80 % band of the gain

type Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Replay:
    """One run, and the episodes at which it is decided whether to go on; the last is forced.

    Attributes
    ----------
    key : tuple of str
        Source, dataset, model, strategy, repetition.
    runs : Runs
    """

    key: tuple[str, ...]
    runs: Runs

    @property
    def name(self) -> str:
        return " / ".join(self.key)

    @cached_property
    def curve(self) -> pd.DataFrame:
        """Index episode; labels, x and accuracy, the mean where there are several repetitions."""
        table = self.runs.table.groupby("episode")[["labels", "x", "accuracy"]].mean()
        # Where long repetitions go on alone the mean may step back.
        return table[table["x"] > table["x"].cummax().shift(fill_value=0.0)]

    @cached_property
    def decisions(self) -> list[int]:
        """Episodes, all of them or at most `MOST_DECISIONS`."""
        there = self.curve.index[self.curve.index >= MIN_EPISODES].to_numpy()
        if len(there) <= MOST_DECISIONS:
            return [int(episode) for episode in there]
        asked = np.geomspace(there[0], there[-1], MOST_DECISIONS)
        nearest = np.abs(there[:, None] - asked).argmin(axis=0)
        return [int(episode) for episode in there[np.unique(nearest)]]


def replays(folder: Path, repetitions: int, *, mean: bool) -> Iterator[Replay]:
    """Yield the first repetitions of every cell; or each cell whole."""
    for task, runs in tasks(folder):
        for strategy in sorted(runs.strategies):
            for name, part in _parts(runs.strategy(strategy), repetitions, mean=mean):
                replay = Replay((*task, strategy, name), part)
                if len(replay.curve) >= LEAST_EPISODES:
                    yield replay


def _parts(runs: Runs, repetitions: int, *, mean: bool) -> Iterator[tuple[str, Runs]]:
    if mean:
        yield "mean", runs
        return
    each = list(runs.table.groupby("repetition", sort=False))
    for name, table in each[:repetitions]:
        if len(table) >= LEAST_EPISODES:
            yield str(name), Runs.from_frame(table.drop(columns="x"), batch=runs.batch)


def settings(replayed: list[Replay], seed: int) -> dict[str, object]:
    """All that the parts depend on, but for the code: start anew (`--fresh`) when it changes."""
    data = "".join(replay.runs.sha256() for replay in replayed)
    libraries = {name: version(name) for name in ("palm-bayes", "pymc", "nutpie")}
    digest = hashlib.sha256(data.encode()).hexdigest()[:12]
    return {"data": digest, "seed": seed, "decisions": MOST_DECISIONS, **libraries}


def expected(replay: Replay, kept: Checkpoints, seed: int) -> Part:
    """Give what was expected at each decision: fitted once, then kept.

    Returns
    -------
    dict of DataFrame
        ``expected``: a row a decision and later decision: ``now``, ``episode``, ``labels``,
        ``palm_bayes``, ``low``, ``high`` and ``least_squares``, accuracies (NaN where a fit
        failed).
        ``doubts``: a row a decision: ``now``, ``fit`` and ``prior``, why the fit, or its forecast,
        would not be relied on (empty where it would), ``seconds``.
    """
    if (part := kept.get(replay.name)) is not None:
        return part
    made = [_at(replay, now, seed) for now in replay.decisions[:-1]]
    part = {
        "expected": pd.concat([table for table, _ in made], ignore_index=True),
        "doubts": pd.DataFrame([row for _, row in made]),
    }
    kept.keep(replay.name, part)
    return part


def _at(replay: Replay, now: int, seed: int) -> tuple[pd.DataFrame, dict[str, object]]:
    later = replay.curve.loc[[episode for episode in replay.decisions if episode >= now]]
    past = replay.curve.loc[:now]
    start = time.process_time()
    try:
        ours, told = _fitted(replay.runs.first(now), later["labels"].to_numpy(), seed)
    except (DataError, ArithmeticError, RuntimeError) as error:
        ours, told = {}, {"fit": f"failed, {error}", "prior": ""}
    seconds = time.process_time() - start
    x, y, at = (part.to_numpy() for part in (past["x"], past["accuracy"], later["x"]))
    squares = fitted(LEAST_SQUARES, x, y)(at)
    nothing = dict.fromkeys(OURS, np.full(len(later), np.nan))
    head = {"now": now, "episode": later.index, "labels": later["labels"].to_numpy()}
    table = pd.DataFrame({**head, **(ours or nothing), "least_squares": squares})
    return table, {"now": now, **told, "seconds": seconds}


def _fitted(seen: Runs, labels: Floats, seed: int) -> tuple[dict[str, Floats], dict[str, str]]:
    """Expected accuracies, the edges of the forecast, and what speaks against relying on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PalmWarning)
        fitted = fit(seen, seed=seed)
    (strategy,) = seen.strategies
    outlook = Outlook.at(fitted, strategy, labels, np.arange(float(len(labels))))
    any_costs = NetValue(1, 1)
    of_fit = [doubt(fitted, outlook, any_costs) for doubt in DOUBTS if doubt is not mostly_prior]
    low, high = (edge.draws[0] for edge in band_edges(outlook))
    return dict(zip(OURS, (outlook.draws.mean(axis=0), low, high), strict=True)), {
        "fit": "; ".join(text for text in of_fit if text),
        "prior": prior_dominates(fitted, outlook, outlook.last) or "",
    }
