"""Value of more piloting: one more episode or repetition before a strategy is chosen.

Expected value of sample information, by regression on posterior draws: Strong, Oakley, Brennan
and Breeze, *Estimating the expected value of sample information using the probabilistic sensitivity
analysis sample*, Medical Decision Making 35 (2015). For each draw the pilot's accuracies are
simulated; a quadratic regression of the later accuracy on summaries of them approximates the
posterior mean that they would give, without another fit. The regression is fitted to one half of
the draws and applied to the other, so that its errors can only lower the value.
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats
from palm_bayes.data.budgets import episode_budgets
from palm_bayes.data.limits import NO_LABELS
from palm_bayes.data.score import Score
from palm_bayes.decisions import pairwise
from palm_bayes.decisions.doubts import Doubts, doubts_of, with_warning
from palm_bayes.decisions.trajectories import by_sample, draw_paths
from palm_bayes.display import Display, Displayed
from palm_bayes.errors import DataError, real, whole
from palm_bayes.files import plain_rows
from palm_bayes.forecast.forecast import forecast

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

_SURE = 2  # standard errors


@dataclass(frozen=True, eq=False, repr=False)
class PilotValue(Displayed):
    """Value of one more pilot before the strategy is chosen.

    Attributes
    ----------
    labels : float
        Labels of a run with which the chosen strategy will be used.
    table : DataFrame
        One row per strategy and pilot: ``strategy``; ``pilot``, "episode" (one more of each of its
        repetitions) or "repetition" (one more, as long as the longest); its cost in ``labels``;
        ``value``, the gain in the expected score of the strategy then chosen (possibly a little
        below 0), and its Monte-Carlo ``error``, in the user's own scale. Best first.
    choice : str
        The strategy that would be chosen now, the first of `palm_bayes.PalmFit.compare`.
    perfect : float
        Value of perfect information about the curves, an upper bound, in the user's own scale: the
        expected loss of that choice.
    score : Score
        The score, with that scale.
    doubts : dict of str to tuple of str
        Reasons against relying on fits, by strategy; see `palm_bayes.decisions.doubts`.
    """

    labels: float
    table: pd.DataFrame
    choice: str
    perfect: float
    score: Score
    doubts: Doubts

    @property
    def sentence(self) -> str:
        """Best pilot in words; begins with a warning if there are doubts."""
        return with_warning(self.doubts, self._said())

    def _said(self) -> str:
        best = self.table.iloc[0]
        unit, size = " points" * self.score.percent, self.score.written_size
        moves = "lowers" if self.score.lower_is_better else "raises"
        now = f"Now {self.choice} would be chosen for {self.labels:,.0f} labels"
        known = f"{size(self.perfect)}{unit}"
        if known.startswith("<"):
            what = f"the {self.score.metric} there"
            return f"{now}; even with all curves known, {what} would be better by {known}."
        if best["value"] <= _SURE * best["error"]:
            return f"{now}; no pilot of one more episode or repetition has a value clearly above 0."
        return (
            f"{now}; one more {best['pilot']} of {best['strategy']} ({best['labels']:,.0f} labels) "
            f"{moves} the expected {self.score.metric} there by {size(best['value'])}{unit}, "
            f"of at most {size(self.perfect)} if the curves were known."
        )

    def document(self) -> dict[str, Any]:
        """Return all attributes in the types of JSON."""
        values = ("sentence", "labels", "choice", "perfect", "doubts")
        return {name: getattr(self, name) for name in values} | {"pilots": plain_rows(self.table)}

    def _display(self) -> Display:
        return Display(self.sentence, self.table)


def pilot_value(fit: "Posterior", labels: float, *, seed: int = 0) -> PilotValue:
    """Compute the value of one more episode or repetition of each strategy before the choice.

    Strategies are pooled as in `palm_bayes.decisions.compare.compare`.

    Parameters
    ----------
    fit : Posterior
        Fit of several strategies.
    labels : float
        Labels of a run with which the chosen strategy will be used.
    seed : int
        Seed of the simulated pilots.

    Raises
    ------
    DataError
        If there is only one strategy, labels are unknown or below the first seen, or accuracies are
        means of repetitions, of which one more would cost as many runs.
    """
    if not hasattr(fit, "runs"):
        got = type(fit).__name__
        raise DataError(f"fit is of type {got}, but must be a fit, as palm_bayes.fit returns")
    whole(seed, "seed", 0)
    names = fit.runs.strategies
    if fit.runs.of_means:
        raise DataError("accuracies are means of repetitions: a pilot needs single repetitions")
    if len(names) < 2:
        raise DataError(f"only {names[0]} is fitted: a choice needs at least two strategies")
    first = episode_budgets(fit.runs, 0)[0]
    if not real(labels, "labels") >= first:
        raise DataError(f"labels are {labels:g}, but must be at least the first seen: {first:g}")
    if not fit.runs.labels_known:
        raise DataError(NO_LABELS)
    here = draw_paths(fit, np.array([labels])).isel(budget=0, drop=True)
    loss = pairwise.loss(here).mean("sample").to_numpy()
    accuracy = here.to_numpy()
    rng = np.random.default_rng(seed)
    half = rng.permutation(len(accuracy)) % 2 == 0
    rows = []
    pilots = _simulated_pilots(fit, seed)
    for i, name in enumerate(names):
        for pilot, (cost, seen) in pilots[name].items():
            value, error = _value_of_pilot(accuracy, i, seen, half)
            rows.append((name, pilot, cost, *map(fit.runs.score.sizes, (value, error))))
    table = pd.DataFrame(rows, columns=["strategy", "pilot", "labels", "value", "error"])
    perfect = fit.runs.score.sizes(float(loss.min()))
    order = table.sort_values("value", ascending=False, ignore_index=True)
    choice = names[int(loss.argmin())]
    return PilotValue(labels, order, choice, perfect, fit.runs.score, doubts_of(fit))


def _simulated_pilots(fit: "Posterior", seed: int) -> dict[str, dict[str, tuple[float, Floats]]]:
    """Simulate pilots by strategy: cost in labels and summaries, dims (sample, summary)."""
    table = fit.runs.table
    ends = table.groupby("strategy", sort=False)["episode"].max()
    ahead = forecast(fit, scope="continuing", episodes=ends.unique() + 1, seed=seed).draws
    anew = forecast(fit, scope="new", episodes=table["episode"].unique(), seed=seed).draws
    found = {}
    for name, rows in table.groupby("strategy", sort=False):
        of_next = (ahead["episode"] == ends[name] + 1).to_numpy()
        mean = ahead.sel(strategy=name).isel(x=of_next).mean("repetition")
        path = anew.sel(strategy=name).isel(x=anew["episode"].isin(rows["episode"]).to_numpy())
        thirds = [part.mean(axis=1) for part in np.array_split(by_sample(path), 3, axis=1)]
        found[str(name)] = {
            "episode": (fit.runs.batch * rows["repetition"].nunique(), by_sample(mean)),
            "repetition": (float(rows["labels"].max()), np.stack(thirds, axis=1)),
        }
    return found


def _value_of_pilot(
    accuracy: Floats, of: int, seen: Floats, half: "np.ndarray"
) -> tuple[float, float]:
    """Compute the value of choosing after a pilot of one strategy, and its standard error.

    `accuracy` has dims (sample, strategy), the summaries `seen` of the pilot (sample, summary).
    Knowledge of strategies other than `of` does not change. Choices in each `half` of the samples
    use the regression fitted to the other.
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
    """Return all terms up to the second degree of standardised summaries."""
    z = (seen - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), 1e-12)
    pairs = combinations_with_replacement(range(z.shape[1]), 2)
    return np.column_stack([np.ones(len(z)), z, *(z[:, i] * z[:, j] for i, j in pairs)])
