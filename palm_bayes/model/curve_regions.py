"""Three regions of curves, which NUTS samples apart where the prior asks for it.

Priors that are flat between PALM.py's bounds leave nearly all their volume to curves of which the
data see little: *flat* ones, saturated at the first observed x already, with any α up to 1000 and
any β up to 100; and *steps*, saturated at the second. Where the data allow them as well as curves
that *rise*, the posterior has several modes with necks between them through which NUTS hardly
passes. So each region is sampled by itself, in coordinates that suit it
(`palm_bayes.model.coordinates`), and they are joined by their evidence
(`palm_bayes.inference.evidence`).

A curve is saturated at an x where u(x) is above SATURATED: e^-8 of A_max is missing there, which no
data see. Curves are not cut apart but shared out, so that no density ends in a wall: one that is
saturated belongs to that region by the share 1 − (SATURATED / u)^STEEPNESS, and by the rest to
those that are not. The charts of the flat and of the step region end where such a share begins.
"""

from types import ModuleType
from typing import Literal

import numpy as np

from palm_bayes.model.curve import Array

Region = Literal["all", "rising", "step", "flat"]

APART: tuple[Region, ...] = ("rising", "step", "flat")
WHOLE: tuple[Region, ...] = ("all",)

SATURATED = 8.0
STEEPNESS = 4.0


def log_share(
    region: Region, log_u_first: Array, log_u_second: Array, xp: ModuleType = np
) -> Array:
    """Log of the share by which a curve belongs to a region; those of `APART` add up to 1.

    Parameters
    ----------
    region : {"all", "rising", "step", "flat"}
        To all, every curve belongs wholly.
    log_u_first, log_u_second : array
        log u at the first and second observed x, see `palm_bayes.model.curve.log_u_first`.
    xp : module
        `numpy` or `pytensor.tensor`.

    Returns
    -------
    array
        At most 0.
    """
    if region == "all":
        return xp.zeros_like(log_u_first)
    first, second = (
        STEEPNESS * xp.maximum(log_u - np.log(SATURATED), 1e-12)  # 0 would have no gradient
        for log_u in (log_u_first, log_u_second)
    )
    if region == "flat":
        return xp.log(-xp.expm1(-first))
    return -first + (xp.log(-xp.expm1(-second)) if region == "step" else -second)
