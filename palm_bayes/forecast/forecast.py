"""Posterior curves and predictions at any number of labels, with three scopes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from palm_bayes.data.budgets import asked_x, x_pool
from palm_bayes.data.quantiles import BANDS, QUANTILE_NAMES, QUANTILES
from palm_bayes.data.runs import Runs, require_runs
from palm_bayes.data.score import Score
from palm_bayes.display import Display, Displayed, intervals
from palm_bayes.errors import DataError, known, number, of_type, real, several, whole
from palm_bayes.forecast.repetitions import continued, new
from palm_bayes.model.expected import moments, on_curve, with_misfit
from palm_bayes.model.misfit import Misfit

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior
    from palm_bayes.plots.style import Figure

Scope = Literal["expected", "continuing", "new"]

_DIMS = ("chain", "draw", "strategy")
_ALIKE = 0.1  # difference of labels, as a share, in equal episodes of a forecast and the truth
_SHOWN = 4  # most x shown; of more, three
_SCOPES = {
    "expected": "the expected curve of each strategy",
    "continuing": "the continuation of each repetition",
    "new": "a new repetition of each strategy",
}


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Displayed):
    """Posterior draws of accuracy at given x.

    Attributes
    ----------
    draws : DataArray, dims (chain, draw, strategy, x), or (..., strategy, repetition, x)
        Score as a fraction that rises: of an error e, 1 - e. Coordinates along x: ``labels``
        (NaN where unknown) and ``episode``; along (strategy, x): ``future``, true past the
        strategy's data. A continuing repetition is NaN up to its last observation.
    on_curve, expected, unclipped : DataArray
        Accuracy on the PALM curve; with misfit; with misfit and noise. They are not clipped to
        [0, 1], and the first two have no dim repetition.
    scope : {"expected", "continuing", "new"}
        The expected curve; the continuation of each observed repetition; a new repetition.
    score : Score
        Converts fractions to the user's values.
    labels_known : bool
    of_means : bool
        True if a repetition is a mean of several, as the data are.
    """

    draws: xr.DataArray
    on_curve: xr.DataArray
    expected: xr.DataArray
    unclipped: xr.DataArray
    scope: Scope
    score: Score
    labels_known: bool
    of_means: bool = False

    @cached_property
    def sources(self) -> xr.Dataset:
        """Terms of the draws before these are clipped, with the dims of ``draws``.

        ``curve``, the accuracy on the PALM curve; ``misfit``, the deviation from it; ``noise``, of
        a measured accuracy (0 with scope "expected"). The first two do not depend on repetitions.
        """
        return xr.Dataset(
            {
                "curve": self.on_curve,
                "misfit": self.expected - self.on_curve,
                "noise": self.unclipped - self.expected,
            }
        )

    @property
    def without_noise(self) -> Self:
        """The forecast of the expected curves, from the same draws."""
        draws = self.expected.clip(0, 1).assign_coords(future=self.draws["future"])
        named = draws.rename(self.draws.name)
        return replace(self, draws=named, unclipped=self.expected, scope="expected")

    def quantiles(self, probabilities: ArrayLike = QUANTILES) -> xr.DataArray:
        """Compute posterior quantiles as fractions, dims (quantile, strategy[, repetition], x).

        `DataError` for a probability outside [0, 1].
        """
        found = [real(one, "a probability of quantiles") for one in several(probabilities)]
        for one in found:
            if not 0 <= one <= 1:
                raise DataError(f"a probability of quantiles is {one:g}, but must be 0 to 1")
        return self.draws.quantile(found, ("chain", "draw"), skipna=False)

    def uncertainty(self) -> xr.DataArray:
        """Compute the standard deviation due to each source of uncertainty, a fraction.

        Returns
        -------
        DataArray, dims (source, strategy[, repetition], x)
            Sources "parameters", "misfit" and "noise"; coordinates as in `draws`. The part of the
            misfit that is correlated with the curve counts as "parameters". The squares add up to
            the variance of the draws, except for other correlations and clipping to [0, 1].
        """
        over = ("chain", "draw")
        misfit = self.sources["misfit"]
        away = self.on_curve - self.on_curve.mean(over)
        known = (away**2).sum(over)
        along = ((away * misfit).sum(over) / known).where(known > 0, 0.0) * away
        parts = {"parameters": self.on_curve + along, "misfit": misfit - along}
        named = xr.Dataset(parts | {"noise": self.sources["noise"]})
        spread = named.std(over, skipna=False).to_array("source", "uncertainty")
        future = self.draws["future"].transpose("strategy", "x")
        return spread.transpose("source", "strategy", ...).assign_coords(future=future)

    def plot_uncertainty(self, axes: Any = None) -> "Figure":
        """Draw `uncertainty`; see `palm_bayes.plots.uncertainty.plot_uncertainty`."""
        from palm_bayes.plots.uncertainty import plot_uncertainty

        return plot_uncertainty(self.uncertainty(), self.score, axes)

    def to_frame(self) -> pd.DataFrame:
        """Return means and quantiles as a tidy table, in the user's own scale.

        Returns
        -------
        DataFrame
            ``strategy``, with scope "continuing" ``repetition``, then ``episode``, ``labels``,
            ``future``, ``mean``, ``q2.5``, ``q10``, ``q25``, ``q50``, ``q75``, ``q90``, ``q97.5``.
        """
        mine = replace(self, draws=self.score.values(self.draws))
        bands = mine.quantiles().assign_coords(quantile=QUANTILE_NAMES).to_dataset("quantile")
        table = bands.assign(mean=mine.draws.mean(("chain", "draw"))).to_dataframe().reset_index()
        table = table.dropna(subset="mean")
        runs = ["strategy"] + ["repetition"] * (self.scope == "continuing")
        whole = (table["episode"] % 1 == 0).all()
        table = table.astype({"episode": int if whole else float})
        order = [*runs, "episode", "labels", "future", "mean", *QUANTILE_NAMES]
        return table[order].reset_index(drop=True)

    def coverage(self, truth: Runs) -> pd.DataFrame:
        """Compute the share of later observations inside the bands, with scope "continuing" only.

        Parameters
        ----------
        truth : Runs
            Runs with later episodes than the data of the fit.

        Returns
        -------
        DataFrame
            Index ``strategy``, last "all"; columns ``points`` (their number), "50 %", "80 %" and
            "95 %", the shares of the points inside these bands, in [0, 1].

        Raises
        ------
        DataError
            If the scope is another one, no episode of `truth` is past the data, or its episodes
            have other labels.
        """
        require_runs(truth, "truth")
        if self.scope != "continuing":
            raise DataError(
                f"the forecast has the scope {self.scope!r}, coverage needs scope='continuing'"
            )
        key = ["strategy", "repetition", "episode"]
        later = self.to_frame()
        later = later[later["future"]].astype({"repetition": str})
        came = truth.table[[*key, "accuracy", "labels"]]
        came = came.rename(columns={"labels": "labels_of_truth"})
        points = later.merge(came, on=key, validate="one_to_one")
        if points.empty:
            raise DataError("truth has no episode of the forecast past the data of the fit")
        away = (points["labels_of_truth"] / points["labels"]).sub(1).abs()
        if away.median() > _ALIKE:  # NaN where labels are unknown
            row = points.iloc[int(np.nanargmax(away))]
            theirs, ours = (number(row[name]) for name in ("labels_of_truth", "labels"))
            raise DataError(
                f"episode {row['episode']:.0f} of truth has {theirs} labels, that of the forecast "
                f"{ours}: truth needs the episodes of the fit"
            )
        seen = self.score.values(points["accuracy"])
        inside = pd.DataFrame(
            {f"{p} %": seen.between(points[low], points[high]) for p, (low, high) in BANDS.items()}
        )
        groups = inside.groupby(points["strategy"], sort=False)
        table = groups.mean().assign(points=groups.size())
        table.loc["all"] = {**inside.mean(), "points": len(inside)}
        return table.astype({"points": int})[["points", *inside]].rename_axis("strategy")

    def _display(self) -> Display:
        """Show all x if they are few, else the end of the data, the middle and the end."""
        unit, places = "labels" if self.labels_known else "episode", range(self.draws.sizes["x"])
        seen = ~self.draws["future"].transpose("strategy", "x").to_numpy().all(axis=0)
        end = places[-1]
        start = min(max(int(seen.sum()) - (self.scope != "continuing"), 0), end)
        chosen = list(places) if end < _SHOWN else sorted({start, (start + end) // 2, end})
        rows = replace(self, draws=self.draws.isel(x=chosen)).to_frame()
        rows["shown"] = intervals(rows["q50"], rows["q10"], rows["q90"])
        rows["at"] = [f"{unit} {number(value)}" for value in rows[unit]]
        runs = ["strategy"] + ["repetition"] * (self.scope == "continuing")
        table = rows.pivot_table("shown", runs, "at", aggfunc="first", sort=False)
        what = _SCOPES[self.scope]
        what = what.replace("repetition", "mean of repetitions") if self.of_means else what
        words = f"{what}; median [80 % band] of the {self.score.metric}\n"
        words += f"{len(places)} values of x; all quantiles by .to_frame()"
        return Display(words, table.rename_axis(columns=None).reset_index())


def forecast(
    fit: "Posterior",
    labels: ArrayLike | None = None,
    episodes: ArrayLike | None = None,
    horizon: int | None = None,
    *,
    scope: Scope = "expected",
    misfit: Misfit | Literal["learned"] | None = "learned",
    seed: int = 0,
    strategies: Sequence[str] | None = None,
) -> Forecast:
    """Forecast accuracies from a posterior, of all strategies or some.

    See `palm_bayes.PalmFit.forecast`.
    """
    known([scope], get_args(Scope), "scope")
    whole(seed, "seed", 0)
    if misfit is not None and not (isinstance(misfit, str) and misfit == "learned"):
        of_type(misfit, Misfit, "misfit", "'learned', a Misfit or None")
    at = asked_x(fit.runs, labels, episodes, horizon)
    x, table = at.to_numpy(), fit.runs.table
    posterior = fit.trace["posterior"].to_dataset()
    ends = fit.trace["constant_data"].to_dataset()["ends"].to_dataset("end")
    if strategies is not None:
        posterior, ends = (part.sel(strategy=list(strategies)) for part in (posterior, ends))
        table = table[table["strategy"].isin(strategies)]
    there = at
    if scope == "continuing":  # from the observations, which need not be requested
        every = np.union1d(x, table["x"])
        there = xr.DataArray(every, {"x": every}, "x")
    if scope == "expected":
        without, sd = on_curve(posterior, there, ends["x_first"]), None  # half of the work
    else:
        without, sd = moments(posterior, there, ends["x_first"], ends["x_last"])
    without = without.transpose(*_DIMS, "x")
    of_misfit = fit.learned.misfit if misfit == "learned" else misfit
    expected = without
    if of_misfit is not None:
        expected = with_misfit(without, posterior, ends, of_misfit, x_pool(fit.runs))
    if sd is None:
        draws = expected
    else:
        curves = xr.Dataset({"without": without, "mean": expected, "sd": sd.transpose(*_DIMS, "x")})
        curves["becomes_shared"] = _becomes_shared(there, ends["x_last"], of_misfit)
        draws = (
            new(posterior, curves, seed)
            if scope == "new"
            else continued(posterior, curves, table, at, seed)
        )
    if scope == "continuing":
        without, expected = (part.sel(x=at["x"]) for part in (without, expected))
    # Requested x may differ by rounding from those computed from episodes.
    future = at > ends["x_last"] * (1 + 1e-12)
    clipped, runs = draws.clip(0, 1).assign_coords(future=future).rename("accuracy"), fit.runs
    return Forecast(
        clipped, without, expected, draws, scope, runs.score, runs.labels_known, runs.of_means
    )


def _becomes_shared(x: xr.DataArray, x_last: xr.DataArray, misfit: Misfit | None) -> Any:
    """Compute `Misfit.becomes_shared` at `x`, dims (x, strategy); without misfit it is 0."""
    t = np.log(np.maximum(x / x_last, 1))
    return 0 * t if misfit is None else misfit.becomes_shared(t)
