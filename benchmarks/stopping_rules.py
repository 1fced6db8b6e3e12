"""The net-value rule and what it has to beat: each says at which decisions it would stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from stopping_replay import Replay

from palm_bayes.data.score import Score
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.stopping_rules import NetValue
from palm_bayes.evaluation.checkpoints import Part

OURS, FORCED = "net value", "net value, forced"
FIXED = (0.25, 0.5, 0.75)  # of all labels
PATIENCE = (1, 3)  # episodes
GAINS = (0.001, 0.005, 0.01, 0.02)

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool]


@dataclass(frozen=True)
class Policy:
    """A rule that stops at the first decision where `stops` is true; the last one is forced.

    Attributes
    ----------
    knows_costs : bool
        Whether it is told the ratio of costs.
    stops : callable
        Told the ratio, gives dims (decision,), without the last.
    """

    name: str
    knows_costs: bool
    stops: Callable[[float], Bools]


def policies(replay: Replay, part: Part) -> Iterator[Policy]:
    """Yield all rules, of one run."""
    points = replay.decisions[:-1]
    accuracy = replay.curve["accuracy"]
    share = replay.curve["labels"] / replay.curve["labels"].iloc[-1]

    def by_itself(name: str, stops: Bools) -> Policy:
        return Policy(name, False, lambda _: stops)

    ours, squares = (_net_value(part, name, points) for name in ("palm_bayes", "least_squares"))
    doubted = doubts(part, points)
    yield Policy(OURS, True, lambda ratio: ours(ratio) & ~doubted(ratio))  # else label on
    yield Policy(FORCED, True, ours)
    yield Policy("least squares, net value", True, squares)
    for n in PATIENCE:
        gained, spent = (_of_last(n, values, points) for values in (accuracy, share))
        yield Policy(f"last {n} did not pay", True, lambda ratio, g=gained, s=spent: ratio * g < s)
    yield by_itself("at once", np.ones(len(points), bool))
    yield by_itself("never", np.zeros(len(points), bool))
    for part_of in FIXED:
        yield by_itself(f"{part_of:.0%} of the labels", share.loc[points].to_numpy() >= part_of)
    left = _least_squares_left(part, points)
    for gain in GAINS:
        yield by_itself(f"least squares, plateau {gain:g}", left < gain)
        for n in PATIENCE:
            best = np.array([_new_best(accuracy.loc[:now].to_numpy(), n) for now in points])
            yield by_itself(f"patience {n}, gain {gain:g}", best < gain)


def _of_last(n: int, values: pd.Series, points: list[int]) -> Floats:
    """Change over the last n episodes before each decision."""
    return np.array([values.loc[:now].iloc[-1] - values.loc[:now].iloc[-n - 1] for now in points])


def _new_best(seen: Floats, n: int) -> float:
    """How far the last n episodes are above all before them."""
    return float(seen[-n:].max() - seen[:-n].max())


def _least_squares_left(part: Part, points: list[int]) -> Floats:
    """What the fitted curve still gains until all is labelled."""
    curves = [ahead["least_squares"].to_numpy() for ahead in _ahead(part, points)]
    return np.array([curve[-1] - curve[0] for curve in curves])


def doubts(part: Part, points: list[int]) -> Callable[[float], Bools]:
    """Return a function that says at which decisions the package could not say.

    A fit that is mostly prior is doubted where the verdict differs between the forecast's edges.
    """
    table = part["doubts"]
    always, prior = ((table[cause] != "").to_numpy() for cause in ("fit", "prior"))
    low, high = (_net_value(part, edge, points) for edge in ("low", "high"))
    return lambda ratio: always | (prior & (low(ratio) != high(ratio)))


def _net_value(part: Part, forecaster: str, points: list[int]) -> Callable[[float], Bools]:
    """The package's own rule, on expected accuracies: it is linear in the draws.

    Costs are in units of what all labels cost. Where a fit failed it goes on.
    """
    outlooks = [
        Outlook(
            "",
            ahead["labels"].to_numpy(),
            np.arange(float(len(ahead))),
            ahead[forecaster].to_numpy()[None],
            Score(),
        )
        for ahead in _ahead(part, points)
    ]

    def stops(ratio: float) -> Bools:
        rule = NetValue(label_cost=1 / outlooks[0].last, point_value=ratio / 100)
        found = [np.isfinite(o.draws).all() and rule.find(o).stop for o in outlooks]
        return np.array(found, bool)

    return stops


def _ahead(part: Part, points: list[int]) -> list[pd.DataFrame]:
    table = part["expected"]
    return [table[table["now"] == now] for now in points]
