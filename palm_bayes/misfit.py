"""Misfit: how far a strategy's true curve strays from PALM beyond its data.

PALM is a good but not an exact law. Inside the data the noise takes up what it misses; beyond them
the miss grows with the distance, which a posterior of PALM's parameters does not know. Two things
tell of it. The posterior leans on what curves in general do, while PALM fitted by least squares
says what this one does, the better the more episodes there are. And what families of curves that
fit the data alike disagree on, the data do not settle: there it is PALM's form that decides. As in
`curve`, all is array functions.
"""

from dataclasses import dataclass
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
        Degrees of freedom that the data leave: episodes beyond a curve's four parameters, times
        repetitions, of which a fourth tells little more.
    """

    gain: Any
    disagreement: Any
    known: Any


@dataclass(frozen=True)
class Misfit:
    """Drift of the expected accuracy off its PALM curve, on the scale of its log-odds.

    With s = log((x + α) / (x_last + α)), past x_last the drift is

        w · (g − m) + q · sqrt((scale · s)² + (most · tanh(disagreement · D / most))²)

    with w = known / (known + prior · e^s), and 0 before it. g is the gain since x_last of PALM's
    curve fitted by least squares, m the posterior median of the gain: the forecast leans towards g,
    the less so the farther it goes. D is the disagreement of the families, and q a Student's t,
    drawn once a curve. Log-odds are symmetric in accuracy and error and keep both in (0, 1); of the
    scales tried it is the one on which the miss of real curves grows alike whether a curve still
    rises or not. A drifting curve may pass its A_max.

    Attributes
    ----------
    scale : float
        Of the drift where (x + α) has grown e-fold, if all families agree.
    degrees : float
        Of freedom of Student's t: few where some curves stray much farther than most.
    disagreement : float
        Of the drift, in units of the families' standard deviation; 0 to leave them out.
    most : float
        What the families' disagreement makes of the drift at most.
    prior : float
        How many degrees of freedom the posterior counts for against least squares, at x_last;
        infinite not to lean on these.
    """

    scale: float
    degrees: float
    disagreement: float = 0.0
    most: float = 1.0
    prior: float = np.inf

    def __post_init__(self) -> None:
        for name in ("scale", "degrees", "most", "prior"):
            if not getattr(self, name) > 0:
                raise DataError(f"{name} of the misfit is {getattr(self, name):g}, allowed is > 0")
        for name in ("scale", "degrees", "disagreement", "most"):
            if not 0 <= getattr(self, name) < np.inf:
                got = f"{getattr(self, name):g}"
                raise DataError(f"{name} of the misfit is {got}, allowed is a finite number from 0")

    @property
    def heeds_others(self) -> bool:
        """Whether other curves count at all."""
        return self.disagreement > 0 or self.prior < np.inf

    def strayed(self, accuracy: Any, s: Any, share: Any, others: OtherCurves, gain: Any) -> Any:
        """Let expected accuracies drift; all arguments are broadcast together.

        Parameters
        ----------
        accuracy : array
            On the PALM curve, in [0, 1].
        s : array
            log((x + α) / (x_last + α)); below 0, within the data, nothing drifts.
        share : array
            Share of curves that stray less, in (0, 1): uniform over draws.
        others : OtherCurves
        gain : array
            Posterior median of the gain since x_last, of log-odds.
        """
        ahead = np.maximum(s, 0)
        weight = others.known / (others.known + self.prior * np.exp(ahead))
        by_families = self.most * np.tanh(self.disagreement * others.disagreement / self.most)
        width = np.hypot(self.scale * ahead, by_families)
        drift = weight * (others.gain - gain) + stdtrit(self.degrees, share) * width
        return np.where(s > 0, expit(log_odds(accuracy) + drift), accuracy)


def log_odds(accuracy: Any) -> Any:
    """Log-odds of accuracies; of 0 and 1, which have no finite ones, those of their neighbours."""
    return logit(np.clip(accuracy, _LEAST, 1 - _LEAST))


MISFIT = Misfit(scale=0.02, degrees=4.0, disagreement=0.45, most=0.3, prior=6.0)
_LEAST = 1e-4
