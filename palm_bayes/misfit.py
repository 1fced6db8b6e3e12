"""Misfit: how far a strategy's true curve strays from PALM.

PALM is a good but not an exact law, which a posterior of its parameters does not know. Four things
tell of it. Where the data end, the mean of the repetitions lies off the curve. Past them the
posterior leans on what curves in general do, while PALM fitted by least squares says what this one
does, the better the more episodes there are; and the task's other strategies say what its curves
do. What families of curves that fit the data alike disagree on, the data do not settle: there it is
PALM's form that decides. As in `curve`, all is array functions.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit, stdtrit

from palm_bayes.errors import DataError


class OtherCurves(NamedTuple):
    """What curves fitted by least squares gain past the data, on the scale of log-odds.

    Attributes
    ----------
    gain : array
        Of PALM's, from x_last on.
    disagreement : array
        Standard deviation of the gains of all families.
    known : array
        Degrees of freedom that the data leave: episodes beyond a curve's four parameters, of each
        of the three longest repetitions; a fourth tells little more.
    """

    gain: Any
    disagreement: Any
    known: Any


@dataclass(frozen=True)
class Misfit:
    """Drift of the expected accuracy off its PALM curve, on the scale of its log-odds.

    With s = log((x + α) / (x_last + α)) it is, past x_last,

        κ · r + z + b · (l + common · (o − l)) − m + (apart − 1) · (γ − m)
            + q · sqrt((scale · s²)² + (most · tanh(d / most))²)

    κ · r + z is where the curve stands: r is the residual at x_last of the mean over repetitions,
    κ = level² / (level² + v) the share of it that is no noise, v the variance of the noise of that
    mean; z is normal with what is then left to know, the variance (1 − κ) · level². Within the data
    both fade as a normal density does, over `_FADE` of s.

    m is the gain since x_last of the posterior median, and l = m + w · (g − m) what is foreseen of
    it: g is the gain of PALM's curve fitted by least squares, w = known / (known + prior · e^s).
    o is the median of what is foreseen of the task's other strategies, from x_last to x, and γ the
    curve's own gain: where there are others, draws come closer to their median. b is the share of
    what is then foreseen that is believed, one for the whole curve (`believed`).

    d is disagreement times the standard deviation of the families' gains; q a Student's t, drawn
    once a curve. Log-odds are symmetric in accuracy and error and keep both in (0, 1); of the
    scales tried it is the one on which the miss of real curves grows alike whether a curve still
    rises or not. A drifting curve may pass its A_max.

    Attributes
    ----------
    scale : float
        Of the drift where (x + α) has grown e-fold, if all families agree. It grows with the square
        of s: what grows more slowly the posterior of the parameters knows.
    degrees : float
        Of freedom of Student's t: few where some curves stray much farther than most.
    disagreement : float
        Of the drift, in units of the families' standard deviation; 0 to leave them out.
    most : float
        What the families' disagreement makes of the drift at most.
    prior : float
        How many degrees of freedom the posterior counts for against least squares, at x_last;
        infinite not to lean on these.
    common : float
        Share of a gain that is the task's rather than the strategy's, from 0 to 1.
    level : float
        Standard deviation of the true curve around PALM's at x_last; 0 where it is exact there.
    apart : float
        How far from their median gains stay that have others of the task to share in, from 0 to 1.
    doubt : float
        Of gains that do not stand out of the noise (`believed`); 0 to believe all.
    """

    scale: float
    degrees: float
    disagreement: float = 0.0
    most: float = 1.0
    prior: float = np.inf
    common: float = 0.0
    level: float = 0.0
    apart: float = 1.0
    doubt: float = 0.0

    def __post_init__(self) -> None:
        for name in ("scale", "degrees", "most", "prior"):
            if not getattr(self, name) > 0:
                raise DataError(f"{name} of the misfit is {getattr(self, name):g}, allowed is > 0")
        for name in ("scale", "degrees", "disagreement", "most", "level", "doubt"):
            if not 0 <= getattr(self, name) < np.inf:
                got = f"{getattr(self, name):g}"
                raise DataError(f"{name} of the misfit is {got}, allowed is a finite number from 0")
        for name in ("common", "apart"):
            if not 0 <= getattr(self, name) <= 1:
                got = f"{getattr(self, name):g}"
                raise DataError(f"{name} of the misfit is {got}, allowed is from 0 to 1")

    @property
    def heeds_others(self) -> bool:
        """Whether other curves count at all."""
        return self.disagreement > 0 or self.prior < np.inf

    def foreseen(self, gain: Any, s: Any, others: OtherCurves) -> Any:
        """Gain that is foreseen (l), where the posterior's median is `gain` (m)."""
        weight = others.known / (others.known + self.prior * np.exp(np.maximum(s, 0)))
        return gain + weight * (others.gain - gain)

    def shared(self, foreseen: Any, of_others: Any) -> Any:
        """Let a strategy's gain (l) share in what the task's others gain (o)."""
        return foreseen + self.common * (of_others - foreseen)

    def believed(self, gain: Any, seen: Any, sd: Any) -> Any:
        """Share of what a curve is foreseen to gain that is believed, from 0 to 1.

        Of curves that hardly rise any more, many have come to rest, while a posterior's median
        always rises on: none of its curves falls. What a curve is foreseen to gain and what it has
        gained before speak for it, and the noise against: where the product of both is as large as
        its variance, a doubt of 1 halves the gain.

        Parameters
        ----------
        gain : array
            Foreseen from x_last to `FAR` times as many labels.
        seen : array
            What the curve has gained within the data.
        sd : array
            Standard deviation of a single repetition's noise at x_last, on the same scale.
        """
        clear, unclear = np.abs(gain * seen), self.doubt * sd**2
        return 1 - unclear / np.maximum(clear + unclear, np.finfo(float).tiny)

    def standing(self, residual: Any, variance: Any, normal: Any, s: Any) -> Any:
        """Where the curve stands off PALM's (κ · r + z), for a level above 0.

        `normal` is z in units of its standard deviation.
        """
        kept = self.level**2 / (self.level**2 + variance)
        there = kept * residual + np.sqrt(1 - kept) * self.level * normal
        return there * np.exp(-0.5 * (np.minimum(s, 0) / _FADE) ** 2)

    def strayed(self, accuracy: Any, s: Any, share: Any, disagreement: Any, drift: Any) -> Any:
        """Let expected accuracies drift; all arguments are broadcast together.

        Parameters
        ----------
        accuracy : array
            On the PALM curve, in [0, 1].
        s : array
            log((x + α) / (x_last + α)).
        share : array
            Share of curves that stray less, in (0, 1): uniform over draws.
        disagreement : array
            Standard deviation of the families' gains.
        drift : array
            All the rest of the drift.
        """
        ahead = np.maximum(s, 0)
        by_families = self.most * np.tanh(self.disagreement * disagreement / self.most)
        width = np.where(s > 0, np.hypot(self.scale * ahead**2, by_families), 0)
        shift = drift + stdtrit(self.degrees, share) * width
        return np.where(shift == 0, accuracy, expit(log_odds(accuracy) + shift))


def log_odds(accuracy: Any) -> Any:
    """Log-odds of accuracies; of 0 and 1, which have no finite ones, those of their neighbours."""
    return logit(np.clip(accuracy, _LEAST, 1 - _LEAST))


def noise_of_odds(accuracy: Any, variance: Any) -> Any:
    """Variance of the log-odds of an accuracy whose own variance is small (the delta method)."""
    inside = np.clip(accuracy, _EDGE, 1 - _EDGE)
    return variance / (inside * (1 - inside)) ** 2


MISFIT = Misfit(
    scale=0.05, degrees=4.0, disagreement=0.45, most=0.3, prior=6.0, common=0.3, level=0.15,
    apart=0.7, doubt=1.0,
)  # fmt: skip
"""For forecasts."""

# Where many curves have come to rest and a few rise far, the median gain is nearer to none than the
# mean: a forecast says the former, decisions weigh the latter (`benchmarks/stopping.py`).
DECIDED = replace(MISFIT, doubt=0.0)
"""For stop rules and budgets."""

# What one strategy is foreseen to gain beyond the others is mostly error, and that of the one that
# seems best the most of all, since it was picked for it (`benchmarks/selection.py`).
COMPARED = replace(DECIDED, common=0.7, apart=1.0)
"""For `compare` and `pilot_value`, which ask who is best."""

FAR = 16.0
"""How many times the labels spent a gain is judged at."""

_FADE = 0.2
_LEAST = 1e-4
_EDGE = 0.01
