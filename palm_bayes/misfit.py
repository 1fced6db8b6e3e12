"""Misfit: how far a strategy's true curve strays from PALM beyond its data.

PALM is a good but not an exact law. Inside the data the noise takes up what it misses; beyond them
the miss grows with the distance, which a posterior of PALM's parameters does not know. As in
`curve`, all is array functions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit, stdtrit

from palm_bayes.errors import DataError


@dataclass(frozen=True)
class Misfit:
    """Drift of the expected accuracy off its PALM curve, on the scale of its log-odds.

    With s = log((x + α) / (x_last + α)), the drift is scale · q · s past x_last and 0 before it,
    where q is a Student's t, drawn once a curve: a wrong slope, which more data would have shown.
    Log-odds are symmetric in accuracy and error and keep both in (0, 1); of the scales tried it is
    the one on which the miss of real curves grows alike whether a curve still rises or not. A
    drifting curve may pass its A_max.

    Attributes
    ----------
    scale : float
        Of the drift where (x + α) has grown e-fold.
    degrees : float
        Of freedom of Student's t: few where some curves stray much farther than most.
    """

    scale: float
    degrees: float

    def __post_init__(self) -> None:
        for name in ("scale", "degrees"):
            if not 0 < getattr(self, name) < np.inf:
                raise DataError(f"{name} of the misfit is {getattr(self, name):g}, allowed is > 0")

    def strayed(self, accuracy: Any, s: Any, share: Any) -> Any:
        """Let expected accuracies drift.

        Parameters
        ----------
        accuracy : array
            On the PALM curve, in [0, 1].
        s : array
            log((x + α) / (x_last + α)); below 0, within the data, nothing drifts.
        share : array
            Share of curves that stray less, in (0, 1): uniform over draws.
        """
        drift = self.scale * stdtrit(self.degrees, share) * np.maximum(s, 0)
        inside = np.clip(accuracy, _LEAST, 1 - _LEAST)
        return np.where(s > 0, expit(logit(inside) + drift), accuracy)


MISFIT = Misfit(scale=0.05, degrees=4.0)
_LEAST = 1e-9  # accuracies of 0 and 1 have no finite log-odds
