"""`PalmFit`: runs and the posterior of their curves, with thin methods over what comes after."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError
from palm_bayes.files import put
from palm_bayes.forecast.forecast import Forecast, Scope, forecast
from palm_bayes.inference.convergence import Convergence
from palm_bayes.inference.predictive_check import PredictiveCheck, check
from palm_bayes.inference.trace import learned_of, leave_one_out, read, written
from palm_bayes.model import curve
from palm_bayes.model.build import NOISE
from palm_bayes.model.misfit import Misfit

if TYPE_CHECKING:
    from palm_bayes.decisions.compare import Comparison
    from palm_bayes.decisions.decide import Decision
    from palm_bayes.decisions.label_budget import LabelsToReach
    from palm_bayes.decisions.rule_logic import Rule

PARAMETERS = (*curve.PARAMETERS, *NOISE)
_SCALED = ("A_max", "noise")  # accuracies, given back in the user's own scale


@dataclass(frozen=True, eq=False, repr=False)
class PalmFit:
    """The posterior of a task's curves.

    Attributes
    ----------
    runs : Runs
        The data that were fitted.
    trace : DataTree
        ``posterior``, dims (chain, draw, strategy), of all strategies together; ``sampled``, the
        draws of each by itself as the chains made them, with ``strategy_stats``, the sampler's
        statistics of each, and ``sample_stats``, of all (dims chain, draw); ``log_likelihood``,
        ``observed_data`` and ``constant_data``, dims observation. Accuracies are fractions. All
        of ArviZ takes it.
    convergence : Convergence
        The verdict, strategy by strategy.
    """

    runs: Runs
    trace: xr.DataTree
    convergence: Convergence

    @cached_property
    def predictive_check(self) -> PredictiveCheck:
        """Whether PALM describes each strategy's curve; see `palm_bayes.inference.predictive_check`."""
        return check(self.trace, self.runs)

    def summary(self, probability: float = 0.9) -> pd.DataFrame:
        """Median and central credible interval of every parameter, in the user's own scale.

        Parameters
        ----------
        probability : float
            Of the interval from ``lower`` to ``upper``, in (0, 1).

        Returns
        -------
        DataFrame
            One row a strategy and parameter: ``strategy``, ``parameter``, ``median``, ``mean``,
            ``sd``, ``lower``, ``upper``, ``r_hat``, ``ess_bulk``, ``ess_tail``.
        """
        if not 0 < probability < 1:
            raise DataError(f"probability is {probability:g}, allowed is between 0 and 1")
        draws, sampled = (
            self.trace[group].to_dataset()[list(PARAMETERS)] for group in ("posterior", "sampled")
        )
        scaled = draws.assign({name: self.runs.scale * draws[name] for name in _SCALED})
        over = ("chain", "draw")
        tail = (1 - probability) / 2
        columns = {
            "median": scaled.median(over),
            "mean": scaled.mean(over),
            "sd": scaled.std(over, ddof=1),
            "lower": scaled.quantile(tail, over),
            "upper": scaled.quantile(1 - tail, over),
            "r_hat": az.rhat(sampled),
            "ess_bulk": az.ess(sampled, method="bulk"),
            "ess_tail": az.ess(sampled, method="tail"),
        }
        table = xr.concat(
            [part.to_array("parameter").reset_coords(drop=True) for part in columns.values()],
            pd.Index(columns, name="column"),
        ).transpose("strategy", "parameter", "column")
        frame: pd.DataFrame = table.to_series().unstack("column")
        index = pd.MultiIndex.from_product([self.runs.strategies, PARAMETERS])
        frame = frame.reindex(index.set_names(["strategy", "parameter"]))
        return frame[list(columns)].rename_axis(columns=None).reset_index()

    def representative(self) -> pd.DataFrame:
        """One coherent set of the four parameters a strategy, for tools that take a point.

        It is the posterior draw whose curve lies nearest to the median curve, up to twice the data.

        Returns
        -------
        DataFrame
            Index strategy; A_max (a fraction), delta, alpha, beta.
        """
        curves = self.forecast(misfit=None).draws.stack(sample=("chain", "draw"))
        distance = ((curves - curves.median("sample")) ** 2).mean("x")
        draws = self.trace["posterior"].to_dataset()[list(curve.PARAMETERS)]
        draws = draws.stack(sample=("chain", "draw"))
        # A δ rounded to 0 or 1 would give another curve back.
        usable = (draws["delta"] > 1e-12) & (draws["delta"] < 1 - 1e-12)
        nearest = distance.where(usable | ~usable.any("sample"), np.inf).argmin("sample")
        chosen = draws.isel(sample=nearest).reset_coords(drop=True)
        return chosen.to_dataframe()[list(curve.PARAMETERS)]

    def forecast(
        self,
        labels: ArrayLike | None = None,
        episodes: ArrayLike | None = None,
        horizon: int | None = None,
        scope: Scope = "expected",
        misfit: Misfit | Literal["learned"] | None = "learned",
        seed: int = 0,
    ) -> Forecast:
        """Forecast accuracies.

        Parameters
        ----------
        labels, episodes : array of numbers, optional
            Where; at most one of the three is given.
        horizon : int, optional
            All episodes seen and so many beyond the last; by default as many as were seen.
        scope : {"expected", "continuing", "new"}
            The expected curve; each observed repetition as it continues; a repetition not yet
            begun. The last two hold the noise that a measured accuracy has.
        misfit : Misfit, optional
            How far true curves stray from PALM's beyond the data: as learned, the default, or None
            for pure PALM.
        seed : int
            Of the noise.

        Raises
        ------
        DataError
            If labels are asked for and unknown, or a number is not above 0.
        """
        chosen = learned_of(self.trace).misfit if misfit == "learned" else misfit
        return forecast(
            self.trace, self.runs,
            labels=labels, episodes=episodes, horizon=horizon, scope=scope,
            misfit=chosen, seed=seed,
        )  # fmt: skip

    def worth(self, budget: float) -> str:
        """Say what a forecast is worth; see `palm_bayes.forecast.worth.worth`."""
        from palm_bayes.forecast.worth import worth

        return worth(self, budget)

    def leave_one_out(self) -> az.ELPDData:
        """Leave-one-out cross-validation; see `palm_bayes.inference.trace.leave_one_out`."""
        return leave_one_out(self.trace, self.runs)

    def full_trace(self, **options: Any) -> xr.DataTree:
        """Add groups for ArviZ: prior, predictions; see `palm_bayes.inference.predictive.full_trace`."""
        from palm_bayes.inference.predictive import full_trace

        return full_trace(self, **options)

    def predictive_model(self, labels: ArrayLike | None = None, **options: Any) -> Any:
        """Model at new x, for PyMC; see `palm_bayes.inference.predictive.predictive_model`."""
        from palm_bayes.inference.predictive import predictive_model

        return predictive_model(self, labels, **options)

    def refit(self, data: Runs | pd.DataFrame | str | Path, **options: Any) -> "PalmFit":
        """Fit the same runs with later episodes, quickly; see `palm_bayes.inference.importance_refit.refit`."""
        from palm_bayes.inference.importance_refit import refit

        return refit(self, data, **options)

    def compare(
        self,
        at: float | None = None,
        *,
        until: float | None = None,
        rope: float | None = None,
        reference: str | None = None,
        probability: float = 0.9,
    ) -> "Comparison":
        """Compare the strategies at a budget; see `palm_bayes.decisions.compare.compare`."""
        from palm_bayes.decisions.compare import compare

        return compare(
            self, at, until=until, rope=rope, reference=reference, probability=probability
        )

    def labels_to_reach(
        self,
        target: float,
        *,
        assurance: float = 0.8,
        within: float | None = None,
        until: float | None = None,
        scope: Literal["expected", "new"] = "expected",
        delta_target: float | None = None,
        eta: float = 0.05,
        probability: float = 0.9,
        seed: int = 0,
    ) -> "LabelsToReach":
        """Say how many labels a target needs; see `palm_bayes.decisions.label_budget.labels_to_reach`."""
        from palm_bayes.decisions.label_budget import labels_to_reach

        return labels_to_reach(
            self, target, assurance=assurance, within=within, until=until, scope=scope,
            delta_target=delta_target, eta=eta, probability=probability, seed=seed,
        )  # fmt: skip

    def decide(
        self, rule: "Rule", *, strategy: str | None = None, force: bool = False
    ) -> "Decision":
        """Whether to stop labelling, by a rule that was fixed beforehand.

        Parameters
        ----------
        rule : Rule
            Of `palm_bayes.decisions.stopping_rules`, single or combined by ``|`` (any) and ``&``
            (all).
        strategy : str, optional
            The one that is labelled with; by default the best so far.
        force : bool
            Decide even where the fit cannot be relied on; the decision says so.

        Returns
        -------
        Decision
            Stop, continue, switch or cannot say, with its reason.

        Raises
        ------
        DataError
            If a rule does not fit the data's scale, or labels are unknown.
        """
        from palm_bayes.decisions.decide import decide

        return decide(self, rule, strategy=strategy, force=force)

    def plot(self, truth: Runs | None = None, horizon: int | None = None) -> Any:
        """Draw data, posterior median and credible bands of each strategy.

        Parameters
        ----------
        truth : Runs, optional
            Runs that go on past the fitted ones, drawn on top.
        horizon : int, optional
            As in `forecast`.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from palm_bayes.plots.curves import plot_curves

        expected, new = (self.forecast(horizon=horizon, scope=s) for s in ("expected", "new"))
        return plot_curves(self.runs, expected, new, truth)

    def plot_uncertainty(self, horizon: int | None = None) -> Any:
        """Draw where the uncertainty of a new repetition's accuracy comes from, as `plot` does."""
        from palm_bayes.plots.uncertainty import plot_uncertainty

        return plot_uncertainty(self.forecast(horizon=horizon, scope="new"))

    def report(
        self,
        path: str | Path,
        *,
        target: float | None = None,
        assurance: float = 0.8,
        within: float | None = None,
        pool: float | None = None,
        rule: "Rule | None" = None,
        strategy: str | None = None,
        force: bool = False,
        at: float | None = None,
        rope: float | None = None,
        reference: str | None = None,
        probability: float = 0.9,
        seed: int = 0,
    ) -> Path:
        """Write all that the fit says as one HTML page, which needs nothing else.

        Its arguments are those of `palm_bayes.report.contents.Questions`: of `compare`,
        `labels_to_reach` and `decide`. Without `target` and `rule` it says nothing of labels needed
        and of stopping.

        Raises
        ------
        DataError
            If `path` cannot be written, or a question does not fit the data; nothing is written.
        """
        from palm_bayes.report.contents import Questions, report_of
        from palm_bayes.report.page import check_place, write

        questions = Questions(
            target, assurance, within, pool, rule, strategy, force, at, rope, reference, probability
        )
        check_place(Path(path))
        return write(report_of(self, questions, seed), Path(path))

    def save(self, path: str | Path) -> Path:
        """Write the fit to one NetCDF file, whole or not at all.

        The file is the trace, which ``arviz.from_netcdf`` reads too, with the runs, the versions
        of the libraries and a hash of each group.

        Raises
        ------
        DataError
            If the folder is not there, or the file cannot be written.
        """
        path = Path(path)
        if not path.parent.is_dir():
            raise DataError(f"cannot write {path}: there is no folder {path.parent}")
        contents = written(self.trace)
        put(path, lambda draft: draft.write_bytes(contents))
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a fit that `save` wrote.

        Raises
        ------
        DataError
            If the file is not there, is not such a fit, was changed since, or its draws cannot be
            used.
        """
        if not Path(path).is_file():
            raise DataError(f"{path} does not exist")
        trace, runs, table = read(Path(path))
        return cls(runs, trace, Convergence(table))

    def __repr__(self) -> str:
        """Say of what runs it is and whether it converged, without their tables."""
        state = "converged" if self.convergence.passed else "not converged"
        return f"<PalmFit: {self.runs.describe()}; {state}>"
