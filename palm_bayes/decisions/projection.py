"""Where a strategy stands and where it may go: all that a stop rule looks at."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from palm_bayes.errors import DataError, known
from palm_bayes.forecast.forecast import forecast

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

MOST_EPISODES = 200  # looked at one by one; of more, ever fewer the further ahead

type Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outlook:
    """The present and the later episodes of one strategy.

    Attributes
    ----------
    strategy : str
    labels : array, dims (episode,)
        Cumulative labels of one run: first those spent, then after each later episode.
    episodes : array, dims (episode,)
        How many episodes after the present one: 0, 1, 2 ...
    draws : array, dims (draw, episode)
        Posterior draws of the expected accuracy there, fractions. No draw where nothing is fitted.
    scale : float
        What a fraction is multiplied by in the user's own scale: 100 or 1.
    on_curve : array, dims (draw, episode), optional
        The draws' accuracies on the PALM curve, without misfit.
    """

    strategy: str
    labels: Floats
    episodes: Floats
    draws: Floats
    scale: float
    on_curve: Floats | None = None

    @classmethod
    def of(cls, fit: "Posterior", strategy: str, until: float) -> Self:
        """Forecast a strategy of a fit from its last labels until so many, batch by batch.

        Raises
        ------
        DataError
            If the strategy is unknown, or the numbers of labels are.
        """
        known([strategy], fit.runs.strategies, "strategy")
        if not fit.runs.labels_known:
            raise DataError("labels are unknown, only episodes are: give batch, labels per episode")
        table = fit.runs.table
        now = float(table.loc[table["strategy"] == strategy, "labels"].max())
        labels, episodes = schedule(now, fit.runs.batch, until)
        return cls.at(fit, strategy, labels, episodes)

    @classmethod
    def at(cls, fit: "Posterior", strategy: str, labels: Floats, episodes: Floats) -> Self:
        """Forecast a strategy of a fit at given labels, of which the first are those spent."""
        found = forecast(fit, labels=labels)
        draws, on_curve = (
            part.sel(strategy=strategy)
            .stack(sample=("chain", "draw"))
            .transpose("sample", "x")
            .to_numpy()
            for part in (found.draws, found.sources["curve"])
        )
        return cls(strategy, labels, episodes, draws, fit.runs.scale, on_curve)

    @property
    def pure(self) -> Self:
        """The same without misfit: what the posterior of PALM's parameters says."""
        return self if self.on_curve is None else replace(self, draws=self.on_curve)

    @property
    def now(self) -> float:
        """Labels spent."""
        return float(self.labels[0])

    @property
    def last(self) -> float:
        """Labels after the last episode looked at."""
        return float(self.labels[-1])

    @property
    def next_batch(self) -> float:
        """Labels of the next episode; 0 where there is none."""
        return float(self.labels[1] - self.labels[0]) if len(self.labels) > 1 else 0.0

    def accuracy_at(self, labels: float) -> Floats:
        """Accuracy at so many labels, dims (draw,): linear between episodes, held beyond them."""
        at = float(np.interp(labels, self.labels, np.arange(len(self.labels))))
        low, high = math.floor(at), math.ceil(at)
        return np.asarray(
            self.draws[:, low] + (at - low) * (self.draws[:, high] - self.draws[:, low])
        )

    def best_until(self, labels: float) -> Floats:
        """Highest accuracy up to so many labels, dims (draw,)."""
        seen = self.draws[:, self.labels <= labels].max(axis=1, initial=0)
        return np.maximum(seen, self.accuracy_at(labels))

    def shown(self, accuracy: float) -> str:
        """A fraction in words, in the user's own scale."""
        return f"{100 * accuracy:.1f} %" if self.scale == 100 else f"{accuracy:.3f}"


def schedule(now: float, batch: float, until: float) -> tuple[Floats, Floats]:
    """Labels after each episode from `now` on, the last cut off at `until`; and their numbers."""
    left = max(until - now, 0.0) / batch
    count = math.ceil(left - 1e-9)
    ahead = np.arange(1.0, count + 1)
    if count > MOST_EPISODES:
        ahead = np.unique(np.round(np.geomspace(1, count, MOST_EPISODES)))
    episodes = np.concatenate([[0.0], ahead])
    return np.minimum(now + batch * episodes, max(until, now)), episodes


def chance(probability: float) -> str:
    """A probability in words; never quite 0 or 1."""
    if 0.01 <= probability <= 0.99:
        return f"{probability:.0%}".replace("%", " %")
    return "under 1 %" if probability < 0.5 else "over 99 %"


def amount(cost: float) -> str:
    """A cost in words, to three digits."""
    return f"{cost:,.0f}" if abs(cost) >= 1000 else f"{cost:.3g}"
