"""`Posterior`: runs, the posterior of their curves, and convergence diagnostics.

Forecasts, comparisons and decisions are functions of it; `palm_bayes.PalmFit` offers them as
methods.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from palm_bayes.data.budgets import asked_x
from palm_bayes.data.runs import Runs
from palm_bayes.display import Display, Displayed, intervals
from palm_bayes.errors import DataError, WriteError, require_flag, require_inside
from palm_bayes.files import TRACE, as_path, put
from palm_bayes.inference.convergence import Convergence, by_number
from palm_bayes.inference.predictive_check import PredictiveCheck, check
from palm_bayes.inference.saved import learned_of, prior_set_name, read, require_usable, written
from palm_bayes.model import curve
from palm_bayes.model.expected import on_curve
from palm_bayes.model.learned import Learned
from palm_bayes.model.variables import NOISE

if TYPE_CHECKING:
    import pymc as pm

    from palm_bayes.model.priors import Priors

PARAMETERS = (*curve.PARAMETERS, *NOISE)
PRIOR_SCALED = "prior_scaled"
_SCALED = ("A_max", "noise")  # accuracies, returned in the user's unit


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Displayed):
    """Posterior of a task's curves.

    Attributes
    ----------
    runs : Runs
        The fitted data.
    trace : DataTree
        ``posterior``, dims (chain, draw, strategy), joint over strategies; ``sampled``, the
        separate draws of each strategy in the order of the chains, with ``strategy_stats``, the
        sampler's statistics of each, and ``sample_stats``, of all (dims chain, draw);
        ``log_likelihood``, ``observed_data`` and ``constant_data``, dims observation. A saved fit
        has `prior_scaled` too. Accuracies are fractions. ArviZ's functions accept it.
    convergence : Convergence
        Convergence diagnostics by strategy.
    """

    runs: Runs
    trace: xr.DataTree
    convergence: Convergence

    @property
    def learned(self) -> Learned:
        """Hyperparameters from past curves used by the fit."""
        return learned_of(self.trace)

    @cached_property
    def predictive_check(self) -> PredictiveCheck:
        """Posterior predictive check of each strategy's curve; see `PredictiveCheck`."""
        return check(self.trace, self.runs)

    @cached_property
    def prior_scaled(self) -> xr.Dataset | None:
        """Draws as if the prior weighed half or twice; None for flat and custom priors.

        See `palm_bayes.inference.power_scaling.prior_scaled`.
        """
        if prior_set_name(self.trace) != "default":
            return None
        if PRIOR_SCALED in self.trace.children:
            return self.trace[PRIOR_SCALED].to_dataset()
        from palm_bayes.inference.power_scaling import prior_scaled  # imports ArviZ

        return prior_scaled(self.trace)

    def summary(self, probability: float = 0.9, *, diagnostics: bool = True) -> pd.DataFrame:
        """Summarise every parameter by median and central credible interval, in the user's unit.

        Parameters of an error e describe 1 - e, in percent 100 - e.

        Parameters
        ----------
        probability : float
            Probability of the interval from ``lower`` to ``upper``, in (0, 1).
        diagnostics : bool
            Add those of each parameter, for which ArviZ is imported.

        Returns
        -------
        DataFrame
            One row per strategy and parameter: ``strategy``, ``parameter``, ``median``, ``mean``,
            ``sd``, ``lower``, ``upper``, and as diagnostics ``r_hat``, ``ess_bulk``, ``ess_tail``.
        """
        require_inside(probability, "probability")
        require_flag(diagnostics, "diagnostics")
        draws, sampled = (
            self.trace[group].to_dataset()[list(PARAMETERS)] for group in ("posterior", "sampled")
        )
        scaled = draws.assign({name: self.runs.score.sizes(draws[name]) for name in _SCALED})
        over = ("chain", "draw")
        tail = (1 - probability) / 2
        found = scaled.quantile([tail, 0.5, 1 - tail], over, skipna=False)
        columns = {
            "median": found.isel(quantile=1),
            "mean": scaled.mean(over),
            "sd": scaled.std(over, ddof=1),
            "lower": found.isel(quantile=0),
            "upper": found.isel(quantile=2),
            **(by_number(sampled) if diagnostics else {}),
        }
        rows = {
            name: part.to_array("parameter").transpose("strategy", ...).to_series()
            for name, part in columns.items()
        }
        return pd.DataFrame(rows).reset_index()

    def representative(self) -> pd.DataFrame:
        """Return one coherent set of the four parameters per strategy, for tools that take a point.

        It is the posterior draw whose curve is closest to the median curve, up to twice the data.

        Returns
        -------
        DataFrame
            Index strategy; A_max (a fraction), delta, alpha, beta.
        """
        posterior = self.trace["posterior"].to_dataset()
        ends = self.trace["constant_data"].to_dataset()["ends"].to_dataset("end")
        each = on_curve(posterior, asked_x(self.runs), ends["x_first"])
        curves = each.clip(0, 1).stack(sample=("chain", "draw"))
        distance = ((curves - curves.median("sample")) ** 2).mean("x")
        draws = posterior[list(curve.PARAMETERS)].stack(sample=("chain", "draw"))
        # A δ rounded to 0 or 1 would give another curve.
        usable = (draws["delta"] > 1e-12) & (draws["delta"] < 1 - 1e-12)
        nearest = distance.where(usable | ~usable.any("sample"), np.inf).argmin("sample")
        chosen = draws.isel(sample=nearest).reset_coords(drop=True)
        return chosen.to_dataframe()[list(curve.PARAMETERS)]

    def leave_one_out(self) -> Any:
        """Compute leave-one-out cross-validation; see `trace.leave_one_out`."""
        from palm_bayes.inference.trace import leave_one_out

        return leave_one_out(self.trace, self.runs)

    def full_trace(
        self,
        *,
        prior: bool = True,
        posterior: bool = True,
        log_prior: bool = True,
        priors: "Priors | None" = None,
        draws: int = 500,
        seed: int = 0,
    ) -> xr.DataTree:
        """Copy the trace and add the groups for ArviZ's prior and predictive checks.

        They belong to the sampled model: PALM's curve and its noise, without pooling of strategies.
        Predictions and ``log_prior`` exclude the misfit, which the data do not inform. Accuracies
        are not clipped to [0, 1]. ArviZ's ``plot_psense_...`` reserve the name ``alpha``: drop it
        from ``posterior`` first; ``curve`` holds it too.

        Parameters
        ----------
        prior : bool
            Add groups ``prior`` and ``prior_predictive``.
        posterior : bool
            Add group ``posterior_predictive``: new repetitions at the observed x.
        log_prior : bool
            Add group ``log_prior``, by free variable and strategy.
        priors : Priors, optional
            The priors of the fit, if it was fitted with custom ones.
        draws : int
            Number of draws from the prior.
        seed : int
            Seed of the draws.

        Returns
        -------
        DataTree

        Raises
        ------
        DataError
            If custom priors are missing, or given for a named set, or a number is not allowed.
        """
        from palm_bayes.inference.predictive import full_trace

        return full_trace(
            self.trace, self.runs, prior=prior, posterior=posterior, log_prior=log_prior,
            priors=priors, draws=draws, seed=seed,
        )  # fmt: skip

    def predictive_model(
        self,
        labels: ArrayLike | None = None,
        episodes: ArrayLike | None = None,
        horizon: int | None = None,
        *,
        priors: "Priors | None" = None,
    ) -> "pm.Model":
        """Build a model of accuracies at new x, for PyMC's predictive functions.

        With ``pm.sample_posterior_predictive(fit.trace, model=model, var_names=["expected",
        "accuracy"])``, ``expected`` equals the draws of `PalmFit.forecast`, and ``accuracy``, a new
        repetition, has the distribution of its forecast with scope "new". Prior predictive draws
        are of the same model before the data.

        Parameters
        ----------
        labels, episodes : array of numbers, optional
            Where to predict; give at most one of labels, episodes and horizon.
        horizon : int, optional
            Episodes beyond the last observed one, in addition to all observed ones; by default as
            many as were observed.
        priors : Priors, optional
            The priors of the fit, if it was fitted with custom ones.

        Returns
        -------
        pymc.Model
            The free variables of `palm_bayes.model.build.build_model` and ``misfit``, dims
            (strategy,); ``expected`` and ``accuracy``, fractions of dims (strategy, x),
            with x the labels in batches. The model has no observed data; the posterior comes from
            the fit.

        Raises
        ------
        DataError
            If labels are requested but unknown, if a number is not above 0, or because of the
            priors as in `full_trace`.
        """
        from palm_bayes.inference.predictive import predictive_model

        return predictive_model(self.trace, self.runs, labels, episodes, horizon, priors)

    def to_bytes(self) -> bytes:
        """Return what `save` writes; `DataError` if draws are not finite."""
        require_usable("the fit", self.trace, self.runs)
        scaled = self.prior_scaled  # so that answers from the file need not import ArviZ
        groups = {} if scaled is None else {PRIOR_SCALED: xr.DataTree(scaled)}
        return written(self.trace.assign(groups))

    def save(self, path: str | Path) -> Path:
        """Write the fit to one NetCDF file, completely or not at all.

        The file is the trace, which ``arviz.from_netcdf`` reads too, with the runs, the versions
        of the libraries and a hash of each group.

        Raises
        ------
        DataError
            If the folder does not exist, the file cannot be written, or draws are not finite.
        """
        path = as_path(path, "path")
        if not path.parent.is_dir():
            raise WriteError(f"cannot write {path}: the folder {path.parent} does not exist")
        contents = self.to_bytes()
        put(path, lambda draft: draft.write_bytes(contents))
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a fit written by `save`.

        Raises
        ------
        DataError
            If the file does not exist, is not a saved fit, was changed, or holds unusable draws.
        """
        file = as_path(path, "path")
        if file.is_dir():
            raise DataError(f"{path} is a folder: name the file, such as {file / TRACE}")
        if not file.is_file():
            raise DataError(f"{path} does not exist")
        trace, runs, table = read(file)
        return cls(runs, trace, Convergence(table))

    def _display(self) -> Display:
        """Show runs, convergence, and the curve's parameters with 90 % intervals."""
        draws = self.trace["posterior"].to_dataset()[list(curve.PARAMETERS)]
        draws["A_max"] = self.runs.score.sizes(draws["A_max"])
        found = draws.quantile([0.5, 0.05, 0.95], ("chain", "draw"))
        columns = {
            name: intervals(*part.transpose("quantile", "strategy").to_numpy())
            for name, part in found.items()
        }
        table = pd.DataFrame({"strategy": found["strategy"].to_numpy().astype(object), **columns})
        if not self.convergence.passed:
            table["converged"] = self.convergence.table["passed"].map({True: "", False: "no"}).array
        what = "Parameters: median [90 % interval]; with all diagnostics by .summary()"
        return Display("\n".join([self.runs.describe(), self.convergence.sentence, what]), table)
