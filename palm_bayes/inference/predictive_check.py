"""Posterior predictive check of PALM for each strategy's curve, with findings in words.

Runs are replicated from the posterior, as many and as long as those observed (Gelman, Meng and
Stern 1996, Statistica Sinica 6, 733-807). If a measure of the observed runs is more extreme than in
nearly all replicates, and by a relevant amount, PALM does not describe the curve. The replicates
include all noise of the model, also the noise that runs share.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.arrays import Floats, Integers
from palm_bayes.data.alignment import aligned_x
from palm_bayes.data.checks import falling, growing_gain
from palm_bayes.data.runs import Runs
from palm_bayes.display import Display, Displayed
from palm_bayes.inference.draws import numbers_of
from palm_bayes.inference.pointwise import distribution
from palm_bayes.model import noise
from palm_bayes.model.variables import observations

LEVEL = 0.005  # of each check; fewer curves that follow PALM are flagged
DRAWS = 500
_LEAST_RUNS = 5  # with fewer, no run can be called an outlier
_MOST_SD = 0.5  # largest standard deviation of numbers from 0 to 1
_SEED = 0


@dataclass(frozen=True, eq=False, repr=False)
class PredictiveCheck(Displayed):
    """Result of the posterior predictive check.

    Attributes
    ----------
    table : DataFrame
        Index strategy. ``passed``; ``finding``, the deviation from PALM in words, or "as PALM
        describes"; and the posterior predictive p-value of each check: ``p_fall``, ``p_rise``,
        ``p_bend``, ``p_outlier``, ``p_unlike``.
    """

    table: pd.DataFrame

    @property
    def passed(self) -> bool:
        """True if PALM describes every strategy's curve."""
        return bool(self.table["passed"].all())

    @property
    def sentences(self) -> list[str]:
        """One sentence for each strategy that PALM does not describe."""
        doubted = self.table[~self.table["passed"]]
        return [
            f"{name}: PALM does not describe this curve: {row.finding}; do not trust its forecast."
            for name, row in zip(doubted.index, doubted.itertuples(index=False), strict=True)
        ]

    def _display(self) -> Display:
        words = "\n".join(self.sentences) or "PALM describes every curve."
        return Display(words, self.table.reset_index())


@dataclass(frozen=True, eq=False)
class _Curves:
    """Observed or replicated runs of a strategy, with the parameters of `noise.log_density`.

    Arrays have dims (draw, observation), `lasts` (draw, 1), `first` and `at` (observation,); `at`
    is the index of each observation's x among the strategy's x.
    """

    y: Floats
    mean: Floats
    sd: Floats
    carried: Floats
    lasts: Floats
    first: Integers
    at: Integers

    def over_runs(self, values: Floats) -> Floats:
        """Average over the runs at each x, dims (draw, x)."""
        count = np.bincount(self.at)
        share = (np.arange(len(count)) == self.at[:, None]) / count
        return np.asarray(values @ share)

    @cached_property
    def begins(self) -> Integers:
        """Index of the first observation of each run, dims (run,)."""
        return np.unique(self.first)

    @cached_property
    def levels(self) -> Floats:
        """Average each run's deviations from the expected curve, dims (draw, run)."""
        count = np.diff(np.append(self.begins, self.y.shape[1]))
        return np.add.reduceat(self.y - self.mean, self.begins, axis=1) / count


@dataclass(frozen=True)
class _Measure:
    """Measure of a deviation from PALM."""

    of: Callable[[_Curves], Floats]  # its size at each place, dims (draw, place)
    matters: float  # smallest relevant size, as a share of the highest mean accuracy, for any scale
    words: Callable[[Runs, int, float], str]  # description, given runs, place and size


def _falls(curves: _Curves) -> Floats:
    """Compute how far the mean over runs lies below its earlier maximum, at each x.

    Runs are brought to one level, so that the mean does not fall where a high run ends.
    """
    of = np.searchsorted(curves.begins, curves.first)
    means = curves.over_runs(curves.y - curves.levels[:, of])
    return np.asarray(np.maximum.accumulate(means, axis=1) - means)


def _rises(curves: _Curves) -> Floats:
    """Compute the rise of the mean over runs beyond the expected one, from each x to the next."""
    return np.diff(curves.over_runs(curves.y - curves.mean), axis=1)


def _bends(curves: _Curves) -> Floats:
    """Compute the least deviation of the mean over runs from the curve in three successive x."""
    off = curves.over_runs(curves.y - curves.mean)
    three = np.stack([off[:, :-2], off[:, 1:-1], off[:, 2:]])
    one_side = (three > 0).all(axis=0) | (three < 0).all(axis=0)
    return np.asarray(np.where(one_side, np.abs(three).min(axis=0), 0))


def _outliers(curves: _Curves) -> Floats:
    """Compute each accuracy's absolute deviation given the curve and its run's past."""
    given = curves.mean, curves.sd, curves.carried, curves.lasts, curves.first
    return np.asarray(np.abs(curves.sd * noise.conditional_innovations(curves.y, *given)[0]))


def _unlike(curves: _Curves) -> Floats:
    """Compute the distance of each run's level from the others' beyond six typical distances.

    The typical distance is the median, since an outlying run would raise the mean.
    """
    if len(curves.begins) < _LEAST_RUNS:
        return np.zeros((len(curves.y), 1))
    levels = curves.levels
    off = np.abs(levels - np.median(levels, axis=1, keepdims=True))
    return np.asarray(np.maximum(off - 6 * np.median(off, axis=1, keepdims=True), 0))


def _highest_mean(curves: _Curves) -> float:
    """Return the highest mean over runs of the observed accuracies, equal in all draws."""
    return float(curves.over_runs(curves.y[:1]).max())


def _episode(runs: Runs, place: int) -> int:
    table = runs.table.assign(x=aligned_x(runs.table))  # by which places are counted
    table = table.sort_values("x", kind="stable").drop_duplicates("x")
    return int(table["episode"].iloc[place])


def _points(size: float) -> str:
    return f"{round(100 * size, 1) + 0:.1f} points"  # not -0.0


def _fall_in_words(runs: Runs, place: int, size: float) -> str:
    best = f"{runs.score.worse} its earlier {runs.score.best}"
    return f"at episode {_episode(runs, place)} it is {_points(size)} {best}"


def _rise_in_words(runs: Runs, place: int, size: float) -> str:
    before, after = _episode(runs, place), _episode(runs, place + 1)
    moves = "falls" if runs.score.lower_is_better else "rises"
    return f"it {moves} {_points(size)} more than expected between episodes {before} and {after}"


def _bend_in_words(runs: Runs, place: int, size: float) -> str:
    first, last = _episode(runs, place), _episode(runs, place + 2)
    return f"it deviates by {_points(size)} from PALM's curve from episode {first} to {last}"


def _outlier_in_words(runs: Runs, place: int, size: float) -> str:
    row = runs.table.iloc[place]
    return (
        f"training is unstable: repetition {row['repetition']} deviates by {_points(size)} at "
        f"episode {row['episode']}"
    )


def _unlike_in_words(runs: Runs, place: int, size: float) -> str:
    name = runs.table["repetition"].unique()[place]
    return f"repetition {name} differs by more than {_points(size)} from all others throughout"


def _hidden_rise(curves: _Curves) -> tuple[float, float] | None:
    """Return sd and deviation of the curve if noise has a larger sd than accuracies can have.

    Where accuracies stop changing at all, noise that hardly changes between episodes is likeliest,
    and with it noise that explains the rise before in place of the curve.
    """
    sd = float(np.median(curves.sd.max(axis=1)))
    if sd <= _MOST_SD:
        return None
    off = np.median(np.abs(curves.over_runs(curves.y - curves.mean)), axis=0)
    return sd, float(off.max())


def _hidden_rise_in_words(sd: float, size: float) -> str:
    return (
        f"its noise would have a standard deviation of {_points(sd)} at the start, more than any "
        f"score can have, and the curve lies up to {_points(size)} from the means"
    )


def _growth_in_words(last: int, first: float, second: float) -> str:
    early = f"{_points(first)} over the first half of the labels"
    return f"up to episode {last} its gain grows, {early}, {_points(second)} over the second"


_MEASURES = {
    "fall": _Measure(_falls, 0.01, _fall_in_words),
    "rise": _Measure(_rises, 0.02, _rise_in_words),
    "bend": _Measure(_bends, 0.01, _bend_in_words),
    "outlier": _Measure(_outliers, 0.05, _outlier_in_words),
    "unlike": _Measure(_unlike, 0.02, _unlike_in_words),
}


def check(trace: xr.DataTree, runs: Runs) -> PredictiveCheck:
    """Check every strategy of a fit."""
    posterior = trace["posterior"].to_dataset()
    rows = [_checked(posterior.sel(strategy=name), runs.strategy(name)) for name in runs.strategies]
    names = pd.Index(runs.strategies, name="strategy")
    return PredictiveCheck(pd.DataFrame(rows, index=names))


def _checked(posterior: xr.Dataset, runs: Runs) -> dict[str, Any]:
    seen, drawn = _seen_and_drawn(posterior, runs)
    highest = _highest_mean(seen)
    p_values, findings = {}, []
    for name, measure in _MEASURES.items():
        of_seen, of_drawn = measure.of(seen), measure.of(drawn)
        sizes = np.median(of_seen, axis=0)
        size = float(sizes.max(initial=0))
        exceeded = of_drawn.max(axis=1, initial=0) >= of_seen.max(axis=1, initial=0)
        p_values[f"p_{name}"] = float(exceeded.mean())
        if exceeded.mean() < LEVEL and size >= measure.matters * highest:
            findings.append(measure.words(runs, int(sizes.argmax()), size))
    # Shared noise may explain a falling curve, but a forecast from it is unreliable.
    if not findings and falling(runs):
        findings.append(f"it ends {runs.score.worse} its start")
    if hidden := _hidden_rise(seen):
        findings.append(_hidden_rise_in_words(*hidden))
    # The fit's noise may cover a curve that speeds up; the data do not show where it slows down.
    if gains := growing_gain(runs):
        findings.append(_growth_in_words(*gains))
    finding = "; ".join(findings) or "as PALM describes"
    return {"passed": not findings, "finding": finding, **p_values}


def _seen_and_drawn(posterior: xr.Dataset, runs: Runs) -> tuple[_Curves, _Curves]:
    """Return the observed runs, repeated for every draw, and replicates from the posterior."""
    data = observations(runs)
    flat = {name: each.reshape(-1, 1) for name, each in numbers_of(posterior).items()}
    chosen = np.linspace(0, len(flat["noise"]) - 1, DRAWS).astype(int)
    of = {name: each[chosen] for name, each in flat.items()}  # arrays: xarray takes longer
    mean, sd, carried, shared, lasts, *_ = distribution(of, data)
    at = np.unique(data.x, return_inverse=True)[1]
    common, own = np.random.default_rng(_SEED).standard_normal((2, *mean.shape))
    fresh = noise.mixed(common[:, at], own, shared)  # the same at each x
    drawn = noise.simulate(mean, sd, carried, lasts[:, 0], fresh, first=data.first).clip(0, 1)
    seen = np.broadcast_to(data.accuracy, mean.shape)
    given = mean, sd, carried, lasts, data.first, at
    return _Curves(seen, *given), _Curves(drawn, *given)
