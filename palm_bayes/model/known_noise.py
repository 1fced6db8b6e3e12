"""Priors of the noise of means whose standard errors are known; without PyMC.

The standard error at the end of the data, over `single_prediction_sd`, is the centre of the prior
of `relative_noise`; the ratio of that at the start to it is the centre of `noise_ratio`. Both are
geometric means over a quarter of the episodes, so that a refit with one more hardly moves them.
Widths say how well they are known: the standard deviation of n normal numbers is a chi variable of
n - 1 degrees of freedom, whose logarithm has a standard deviation of about 1 / sqrt(2 (n - 1)), and
strategies differ. Quarters do not make it smaller, since nested training sets make neighbouring
errors alike. What all repetitions have in common, such as the test set, does not show in it.
"""

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats
from palm_bayes.data.validation import MEAN_OF, RUN, STANDARD_ERROR
from palm_bayes.model.learned import LogNormal
from palm_bayes.model.noise import single_prediction_sd
from palm_bayes.model.variables import LOG_NORMALS

_LEAST_WIDTH = 0.3  # repetitions have noise in common, which their standard error does not show
_USUAL = 5  # repetitions of a mean, where the table gives standard errors only
_STEP = 0.2  # of a logarithm: equal numbers are one compiled program, and compiling takes seconds


def noise_log_normals(table: pd.DataFrame) -> dict[str, LogNormal]:
    """Return priors of `relative_noise` and `noise_ratio`: known ones of means, or the default.

    `table` is that of `Runs`. Known medians are rounded by up to a tenth, so that fits share
    compiled programs.
    """
    default = {name: LogNormal(*numbers) for name, numbers in LOG_NORMALS.items()}
    if STANDARD_ERROR not in table:
        return default
    known = table[table[STANDARD_ERROR] > 0]
    logs = [_log_noise_and_ratio(run) for _, run in known.groupby(RUN, sort=False) if len(run) > 1]
    if not logs:  # the first episodes of runs, all without
        return default
    noise, ratio = np.array(logs).T
    bias, width = _log_deviation(table[MEAN_OF])
    both = float(np.sqrt(2)) * width  # of two standard errors
    return {"relative_noise": _prior(noise + bias, width), "noise_ratio": _prior(ratio, both)}


def _log_noise_and_ratio(run: pd.DataFrame) -> tuple[float, float]:
    """Return logarithms of the relative noise at the end, and of the ratio of the start to it."""
    errors = np.log(run[STANDARD_ERROR].to_numpy(float))
    quarter = max(len(errors) // 4, 1)
    last = float(errors[-quarter:].mean())
    unit = float(np.log(single_prediction_sd(float(run["accuracy"].iloc[-1]))))
    return last - unit, float(errors[:quarter].mean()) - last


def _prior(logs: Floats, width: float) -> LogNormal:
    """Return a prior around the median over strategies, with their spread in its width."""
    spread = float(np.hypot(width, logs.std(ddof=1) if len(logs) > 1 else 0.0))
    median = np.exp(_STEP * np.round(np.median(logs) / _STEP))
    return LogNormal(
        float(median), float(_STEP / 2 * np.ceil(max(spread, _LEAST_WIDTH) / _STEP * 2))
    )


def _log_deviation(counts: "pd.Series[float]") -> tuple[float, float]:
    """Return by how much log standard deviations lie too low on average, and their own deviation.

    They are moments of the logarithm of a chi variable: of the digamma and trigamma functions.
    """
    from scipy.special import digamma, polygamma

    half = (max(float(counts.fillna(_USUAL).median()), 2.0) - 1) / 2
    return float(np.log(half) - digamma(half)) / 2, float(np.sqrt(polygamma(1, half))) / 2
