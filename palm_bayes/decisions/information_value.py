"""What more piloting is worth: one more episode, or repetition, before a strategy is chosen.

The expected value of sample information, by regression on posterior draws: Strong, Oakley, Brennan
and Breeze, *Estimating the expected value of sample information using the probabilistic sensitivity
analysis sample*, Medical Decision Making 35 (2015). For each draw the pilot's accuracies are
simulated; a quadratic regression of the later accuracy on summaries of them stands for the
posterior that they would give. It costs no fit, and is an approximation: the regression is fitted
on one half of the draws and used on the other, so that what it misses can only lower the value.
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.decisions.doubts import Doubts, doubts_of, warned
from palm_bayes.decisions.projection import Floats
from palm_bayes.errors import DataError
from palm_bayes.files import plain
from palm_bayes.forecast.forecast import forecast

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

_SURE = 2  # standard errors


@dataclass(frozen=True, eq=False)
class PilotValue:
    """What is gained by piloting once more before the strategy is chosen.

    Attributes
    ----------
    labels : float
        Labels of a run with which the chosen strategy will be used.
    table : DataFrame
        A row a strategy and pilot: ``strategy``; ``pilot``, "episode" (one more of each of its
        repetitions) or "repetition" (one more, as long as the longest); ``labels`` that it costs;
        ``value``, by how much the expected accuracy of the strategy then chosen rises, and its
        Monte-Carlo ``error`` (it may be a little below 0), in the user's own scale. Best first.
    choice : str
        The strategy that would be chosen now.
    perfect : float
        What knowing the curves would be worth: no pilot is worth more. In the user's own scale.
    percent : bool
        Whether that scale is percent.
    doubts : dict of str to tuple of str
        Why fits cannot be relied on, by strategy; see `palm_bayes.decisions.doubts`.
    """

    labels: float
    table: pd.DataFrame
    choice: str
    perfect: float
    percent: bool
    doubts: Doubts

    @property
    def sentence(self) -> str:
        """The best pilot in words; a warning first, if in doubt."""
        return warned(self.doubts, self._said())

    def _said(self) -> str:
        best = self.table.iloc[0]
        unit = " points" if self.percent else ""
        now = f"Now {self.choice} would be chosen for {self.labels:.0f} labels"
        if best["value"] <= _SURE * best["error"]:
            return f"{now}; no pilot of one more episode or repetition would change that enough."
        return (
            f"{now}; one more {best['pilot']} of {best['strategy']} ({best['labels']:.0f} labels) "
            f"raises the expected accuracy there by {best['value']:.2g}{unit}, "
            f"of {self.perfect:.2g} that knowing the curves would."
        )

    def document(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "sentence": self.sentence,
            "labels": self.labels,
            "choice": self.choice,
            "perfect": self.perfect,
            "doubts": self.doubts,
            "pilots": [plain(row) for row in self.table.to_dict("records")],
        }


def pilot_value(fit: "Posterior", labels: float, *, seed: int = 0) -> PilotValue:
    """Value of one more episode or repetition of each strategy, before one is chosen.

    As in `palm_bayes.decisions.compare.compare`, strategies gain more alike than in forecasts.

    Parameters
    ----------
    fit : Posterior
        Of several strategies.
    labels : float
        Labels of a run with which the chosen strategy will be used.
    seed : int
        Of the simulated pilots.

    Raises
    ------
    DataError
        If there is one strategy only, or labels are unknown or not above 0.
    """
    names = fit.runs.strategies
    if len(names) < 2:
        raise DataError(f"only {names[0]} is fitted: a choice needs at least two strategies")
    later = forecast(fit, labels=[labels]).draws.isel(x=0).stack(sample=("chain", "draw"))
    accuracy = later.transpose("sample", "strategy").to_numpy()
    rng = np.random.default_rng(seed)
    half = rng.permutation(len(accuracy)) % 2 == 0
    rows = []
    pilots = _simulated(fit, seed)
    for i, name in enumerate(names):
        for pilot, (cost, seen) in pilots[name].items():
            value, error = _value(accuracy, i, seen, half)
            rows.append((name, pilot, cost, fit.runs.scale * value, fit.runs.scale * error))
    table = pd.DataFrame(rows, columns=["strategy", "pilot", "labels", "value", "error"])
    mean = accuracy.mean(axis=0)
    perfect = fit.runs.scale * float(accuracy.max(axis=1).mean() - mean.max())
    order = table.sort_values("value", ascending=False, ignore_index=True)
    choice = names[int(mean.argmax())]
    return PilotValue(labels, order, choice, perfect, fit.runs.percent, doubts_of(fit))


def _simulated(fit: "Posterior", seed: int) -> dict[str, dict[str, tuple[float, Floats]]]:
    """By strategy and pilot: its cost in labels, and summaries of it, dims (sample, summary)."""
    table = fit.runs.table
    ends = table.groupby("strategy", sort=False)["episode"].max()
    ahead = forecast(fit, scope="continuing", episodes=ends.unique() + 1, seed=seed).draws
    anew = forecast(fit, scope="new", episodes=table["episode"].unique(), seed=seed).draws
    found = {}
    for name, rows in table.groupby("strategy", sort=False):
        of_next = (ahead["episode"] == ends[name] + 1).to_numpy()
        mean = ahead.sel(strategy=name).isel(x=of_next).mean("repetition")
        path = anew.sel(strategy=name).isel(x=anew["episode"].isin(rows["episode"]).to_numpy())
        thirds = [part.mean(axis=1) for part in np.array_split(_by_sample(path), 3, axis=1)]
        found[str(name)] = {
            "episode": (fit.runs.batch * rows["repetition"].nunique(), _by_sample(mean)),
            "repetition": (float(rows["labels"].max()), np.stack(thirds, axis=1)),
        }
    return found


def _by_sample(draws: xr.DataArray) -> Floats:
    stacked = draws.stack(sample=("chain", "draw")).transpose("sample", "x")
    return np.asarray(stacked.to_numpy())


def _value(accuracy: Floats, of: int, seen: Floats, half: "np.ndarray") -> tuple[float, float]:
    """Value of choosing by what a pilot of one strategy shows, beside the best choice without it.

    Parameters
    ----------
    accuracy : array, dims (sample, strategy)
    of : int
        The strategy that is piloted; the others are known as well as before.
    seen : array, dims (sample, summary)
    half : array of bool, dims (sample,)
        Each half is chosen for by the regression on the other.

    Returns
    -------
    tuple of float
        Value and its standard error.
    """
    gain = np.empty(len(accuracy))
    for mine in (half, ~half):
        mean = accuracy[~mine].mean(axis=0)
        other = np.delete(np.arange(accuracy.shape[1]), of)
        rival = other[mean[other].argmax()]
        terms = _quadratic(seen)
        weights = np.linalg.lstsq(terms[~mine], accuracy[~mine, of])[0]
        taken = np.where(terms[mine] @ weights > mean[rival], of, rival)
        before = mean.argmax()
        gain[mine] = (
            np.take_along_axis(accuracy[mine], taken[:, None], 1)[:, 0] - accuracy[mine, before]
        )
    return float(gain.mean()), float(gain.std() / np.sqrt(len(gain)))


def _quadratic(seen: Floats) -> Floats:
    """All terms up to the second degree of standardised summaries."""
    z = (seen - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), 1e-12)
    pairs = combinations_with_replacement(range(z.shape[1]), 2)
    return np.column_stack([np.ones(len(z)), z, *(z[:, i] * z[:, j] for i, j in pairs)])
