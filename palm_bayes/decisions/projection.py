"""Present and forecast accuracy of a strategy, the input of stop rules."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from palm_bayes.arrays import Floats
from palm_bayes.data.budgets import whole_labels
from palm_bayes.data.limits import NO_LABELS
from palm_bayes.data.score import Score
from palm_bayes.decisions.trajectories import by_sample
from palm_bayes.errors import DataError, known
from palm_bayes.forecast.forecast import forecast

if TYPE_CHECKING:
    from palm_bayes.data.runs import Runs
    from palm_bayes.inference.posterior import Posterior

MOST_EPISODES = 200  # considered individually; beyond, episodes are sampled more sparsely


@dataclass(frozen=True, eq=False)
class Outlook:
    """Present and later episodes of one strategy."""

    strategy: str
    labels: Floats  # of one run, cumulative: spent, and after each later episode, dims (episode,)
    episodes: Floats  # after the present one: 0, 1, 2 ...
    draws: Floats  # expected accuracies, fractions, dims (draw, episode); none without a fit
    score: Score
    on_curve: Floats | None = None  # the same without misfit
    # The same at labels that a rule asks about and no episode ends at; its `episodes` are NaN.
    between: "Outlook | None" = None

    @classmethod
    def of(cls, fit: "Posterior", strategy: str, until: float, asked: Iterable[float] = ()) -> Self:
        """Forecast a strategy of a fit from its last labels to `until`, batch by batch.

        `asked` are labels before `until` at which the forecast is needed, too. `DataError` if the
        strategy is unknown, or label counts are.
        """
        now = labels_spent(fit.runs, strategy)
        if not fit.runs.labels_known:
            raise DataError(NO_LABELS)
        labels, episodes = later_budgets(fit.runs, now, until)
        outlook = cls.at(fit, strategy, labels, episodes)
        others = np.setdiff1d([at for at in asked if now < at < labels[-1]], labels)
        if not others.size:
            return outlook
        between = cls.at(fit, strategy, others, np.full(others.shape, np.nan))
        return replace(outlook, between=between)

    @classmethod
    def at(cls, fit: "Posterior", strategy: str, labels: Floats, episodes: Floats) -> Self:
        """Forecast a strategy of a fit at given labels, usually the first being those spent."""
        found = forecast(fit, labels=labels, strategies=[strategy])
        draws, on_curve = (
            by_sample(part.sel(strategy=strategy)) for part in (found.draws, found.on_curve)
        )
        return cls(strategy, labels, episodes, draws, fit.runs.score, on_curve)

    @property
    def pure(self) -> Self:
        """Same outlook without misfit, from PALM's parameters alone."""
        if self.on_curve is None:
            return self
        return replace(self, draws=self.on_curve, between=self.between and self.between.pure)

    def changed(self, change: Callable[[Floats], Floats]) -> Self:
        """Return the same with other draws, given a function of those at each of the labels."""
        on_curve = None if self.on_curve is None else change(self.on_curve)
        between = self.between and self.between.changed(change)
        return replace(self, draws=change(self.draws), on_curve=on_curve, between=between)

    @property
    def now(self) -> float:
        """Labels spent."""
        return float(self.labels[0])

    @property
    def last(self) -> float:
        """Labels after the last episode considered."""
        return float(self.labels[-1])

    @property
    def next_batch(self) -> float:
        """Labels of the next episode; 0 if there is none."""
        return float(self.labels[1] - self.labels[0]) if len(self.labels) > 1 else 0.0

    def accuracy_at(self, labels: float) -> Floats:
        """Return accuracy at `labels`, dims (draw,).

        It is linear between episodes, unless `between` has it, and constant beyond.
        """
        if self.between is not None and labels in self.between.labels:
            return np.asarray(self.between.draws[:, self.between.labels == labels][:, 0])
        at = float(np.interp(labels, self.labels, np.arange(len(self.labels))))
        low, high = math.floor(at), math.ceil(at)
        return np.asarray(
            self.draws[:, low] + (at - low) * (self.draws[:, high] - self.draws[:, low])
        )

    def best_until(self, labels: float) -> Floats:
        """Return the highest accuracy up to `labels`, dims (draw,)."""
        seen = self.draws[:, self.labels <= labels].max(axis=1, initial=0)
        return np.maximum(seen, self.accuracy_at(labels))


def labels_spent(runs: "Runs", strategy: str) -> float:
    """Return the labels of a strategy's longest run; `DataError` if it is unknown."""
    known([strategy], runs.strategies, "strategy")
    return float(runs.table.loc[runs.table["strategy"] == strategy, "labels"].max())


def later_budgets(runs: "Runs", now: float, until: float) -> tuple[Floats, Floats]:
    """Return whole labels after each episode from `now` to `until`, and the numbers of episodes."""
    labels, episodes = schedule(now, runs.batch, until)
    whole = np.minimum(whole_labels(runs, labels), labels[-1])
    whole[-1] = labels[-1]  # the limit, as given
    whole, first = np.unique(whole, return_index=True)  # half a batch may round to the last
    return whole, episodes[first]


def schedule(now: float, batch: float, until: float) -> tuple[Floats, Floats]:
    """Return labels after each episode from `now` to `until`, and the numbers of episodes."""
    left = max(until - now, 0.0) / batch
    count = math.ceil(left - 1e-9)
    if count <= MOST_EPISODES:
        ahead = np.arange(1.0, count + 1)
    else:
        ahead = np.unique(np.round(np.geomspace(1.0, float(count), MOST_EPISODES)))
    episodes = np.concatenate([[0.0], ahead])
    return np.minimum(now + batch * episodes, max(until, now)), episodes
