"""Three regions of curves, sampled separately where the prior requires it.

Priors that are flat between PALM.py's bounds give nearly all their volume to curves that the data
determine poorly: *flat* ones, saturated at the first observed x, with any α up to 1000 and any β up
to 100; and *steps*, saturated at the second. Where the data allow them as well as *rising* curves,
the posterior has several modes, and NUTS rarely moves between them. So each region is sampled
separately in suitable coordinates (`palm_bayes.model.coordinates`), and the regions are combined
with weights by their evidence (`palm_bayes.inference.evidence`).

A curve is saturated at an x where u(x) is above `palm_bayes.model.curve.SATURATED`. The regions
overlap, so that no density is truncated: a saturated curve belongs to its region with weight
1 − (SATURATED / u)^STEEPNESS, and to the unsaturated ones with the rest. The charts of the flat and
of the step region end where this weight reaches 0.
"""

from types import ModuleType
from typing import Literal

import numpy as np

from palm_bayes.model.curve import SATURATED, Array

Region = Literal["all", "rising", "step", "flat"]

APART: tuple[Region, ...] = ("rising", "step", "flat")
WHOLE: tuple[Region, ...] = ("all",)

STEEPNESS = 4.0


def log_share(
    region: Region, log_u_first: Array, log_u_second: Array, xp: ModuleType = np
) -> Array:
    """Compute the log weight of a curve in a region from log u at the first and the second x.

    The weights in `APART` add up to 1.
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
