"""Facade: `fit_runs` makes a `PalmFit` from data, whose methods answer questions about it.

Only `StopMonitor` and the command line import it. Questions to a saved fit do not import PyMC.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import ArrayLike

from palm_bayes.data.checks import oddities
from palm_bayes.data.limits import XMode
from palm_bayes.data.runs import Runs
from palm_bayes.decisions.compare import compare
from palm_bayes.decisions.decide import Decision, decide
from palm_bayes.decisions.label_budget import labels_to_reach
from palm_bayes.decisions.rule_logic import Rule
from palm_bayes.errors import DataError, PalmWarning
from palm_bayes.files import as_path
from palm_bayes.forecast.forecast import Forecast, Scope, forecast
from palm_bayes.forecast.worth import worth
from palm_bayes.inference.posterior import Posterior
from palm_bayes.inference.settings import Progress, SamplerName, Settings, told
from palm_bayes.model.learned import Learned, learned_from, prior_name
from palm_bayes.model.misfit import Misfit
from palm_bayes.reading.options import Reading
from palm_bayes.reading.read import read, reading_of
from palm_bayes.reading.sources import Source

if TYPE_CHECKING:
    from palm_bayes.model.priors import Priors
    from palm_bayes.plots.style import Axes, Figure


class PalmFit(Posterior):
    """Posterior of a task's curves, with methods for forecasts, decisions and reports.

    Its runs, trace and convergence are those of `palm_bayes.inference.posterior.Posterior`.
    """

    @classmethod
    def of(cls, posterior: Posterior) -> Self:
        """Convert a posterior to a `PalmFit`."""
        return cls(posterior.runs, posterior.trace, posterior.convergence)

    @classmethod
    def load(cls, path: str | Path, *others: str | Path) -> Self:
        """Read a saved fit, or several of one task, put side by side, to compare all strategies.

        Several are neither paired nor pooled: see `palm_bayes.inference.separate_fits`.
        `DataError` if a file is no saved fit or was changed, or fits differ in task or priors.
        """
        if not others:
            return super().load(path)
        from palm_bayes.inference.separate_fits import side_by_side

        return cls.of(side_by_side({str(one): cls.load(one) for one in (path, *others)}))

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
            Where to forecast; give at most one of labels, episodes and horizon.
        horizon : int, optional
            Episodes beyond the last observed one, in addition to all observed ones; by default as
            many as were observed.
        scope : {"expected", "continuing", "new"}
            The expected curve; the continuation of each observed repetition; a new repetition.
            The last two include the noise of a measured accuracy (of a mean, where data are means).
        misfit : Misfit, optional
            Deviation of true curves from PALM beyond the data: by default as learned; None for pure
            PALM.
        seed : int
            Seed of the noise. Draws do not depend on what else is requested or fitted.

        Raises
        ------
        DataError
            If labels are requested but unknown, or a number is not above 0.
        """
        return forecast(self, labels, episodes, horizon, scope=scope, misfit=misfit, seed=seed)

    def refit(
        self,
        data: Runs | Source,
        *,
        priors: "Priors | None" = None,
        progress: Progress | None = None,
    ) -> Self:
        """Update the fit for further episodes, with its priors and settings, quickly.

        Parameters
        ----------
        data : Runs, DataFrame, dict, path or paths
            The same runs with further episodes; new repetitions and strategies are allowed. Tables
            are read with the options of the fit; for others, give the `Runs` of `palm_bayes.read`.
        priors : Priors, optional
            The priors of the fit, if they were custom ones.
        progress : callable, optional
            As in `palm_bayes.fit`; called for strategies that are sampled again.

        Returns
        -------
        PalmFit
            In ``convergence.table``, ``attempts`` is 0 where earlier draws were reweighted. Some
            draws then occur several times; the effective sample sizes account for this.

        Raises
        ------
        DataError
            If the data cannot be used, or if custom priors are missing, or given for a named set.

        Warns
        -----
        PalmWarning
            If the data are unusual in a way that those of the fit were not.
        """
        from palm_bayes.inference.importance_refit import refit_validated

        # A few new rows must not be read in another scale than the earlier ones.
        again = Reading(**asdict(self.runs.score))
        runs = read(data, again if isinstance(data, Runs) else reading_of(self.runs))
        if pool := self.runs.read_with.get("pool"):
            runs = replace(runs, read_with={"pool": pool, **runs.read_with})
        if runs.score != self.runs.score:
            raise DataError(f"the fit is of {self.runs.score}, the data are of {runs.score}")
        for oddity in sorted(set(oddities(runs)) - set(oddities(self.runs))):
            warnings.warn(oddity, PalmWarning, stacklevel=2)
        return self.of(refit_validated(self, runs, priors=priors, progress=told(progress)))

    # Functions of a posterior, which is their first argument.
    worth = worth
    compare = compare
    labels_to_reach = labels_to_reach

    def decide(self, rule: Rule, *, strategy: str | None = None, force: bool = False) -> Decision:
        """Decide whether to stop labelling, by a rule that was fixed beforehand.

        Parameters
        ----------
        rule : Rule
            Of `palm_bayes.decisions.stopping_rules`, or combined by ``|`` (any) and ``&`` (all).
        strategy : str, optional
            Strategy in use; by default the best so far.
        force : bool
            Decide despite doubts about the fit; the decision mentions them.

        Returns
        -------
        Decision
            Stop, continue, switch or cannot say, with its reason.

        Raises
        ------
        DataError
            If a rule does not fit the data's scale, or labels are unknown.
        """
        return decide(self, rule, strategy=strategy, force=force)

    def plot(
        self, truth: Runs | None = None, horizon: int | None = None, axes: Any = None
    ) -> "Figure":
        """Draw data, posterior median and credible bands of each strategy.

        Parameters
        ----------
        truth : Runs, optional
            Runs with later episodes than the fitted ones, drawn on top.
        horizon, axes : optional
            As in `forecast`; Axes to draw on, one a strategy, by default those of a new figure.
        """
        from palm_bayes.plots.curves import plot_curves

        new = self.forecast(horizon=horizon, scope="new").draws
        return plot_curves(self.runs, self.forecast(horizon=horizon).draws, new, truth, axes=axes)

    def plot_comparison(
        self, truth: Runs | None = None, horizon: int | None = None, ax: "Axes | None" = None
    ) -> "Figure":
        """Draw all strategies in one panel, `ax` if given; other arguments as in `plot`."""
        from palm_bayes.plots.comparison import plot_comparison

        return plot_comparison(self.runs, self.forecast(horizon=horizon).draws, truth, ax=ax)

    def plot_uncertainty(self, horizon: int | None = None, axes: Any = None) -> "Figure":
        """Draw the sources of uncertainty of a new repetition; arguments as in `plot`."""
        return self.forecast(horizon=horizon, scope="new").plot_uncertainty(axes)

    def report(
        self,
        path: str | Path,
        *,
        target: float | str | None = None,
        assurance: float = 0.8,
        within: float | None = None,
        pool: float | None = None,
        rule: Rule | None = None,
        strategy: str | None = None,
        force: bool = False,
        at: float | None = None,
        rope: float | str | None = None,
        reference: str | None = None,
        probability: float = 0.9,
        seed: int = 0,
    ) -> Path:
        """Write all results of the fit as one self-contained HTML page.

        Arguments are those of `palm_bayes.report.contents.Questions`: of `compare`,
        `labels_to_reach` and `decide`. The labels needed and the decision require `target` or
        `rule`.

        Raises
        ------
        DataError
            If `path` cannot be written, or a question does not fit the data; nothing is written.
        """
        from palm_bayes.report.contents import Questions, report_of
        from palm_bayes.report.page import check_page, write

        asked = target, assurance, within, pool, rule, strategy, force, at, rope, reference
        page = as_path(path, "path")
        check_page(page)
        return write(report_of(self, Questions(*asked, probability), seed), page)


def fit_runs(
    data: Runs | Source,
    *,
    strategies: Sequence[str] | None = None,
    dataset: str | None = None,
    model: str | None = None,
    batch: float | None = None,
    x_mode: XMode = "labels",
    percent: bool | None = None,
    metric: str | None = None,
    lower_is_better: bool = False,
    max_repetitions: int | None = None,
    max_episodes: int | None = None,
    columns: Mapping[str, str] | None = None,
    layout: str | None = None,
    pattern: str | None = None,
    pool: float | None = None,
    spread: str | None = None,
    priors: "str | Priors" = "default",
    prior: Learned | str | Path | None = None,
    draws: int = Settings.draws,
    tune: int = Settings.tune,
    chains: int = Settings.chains,
    target_accept: float = Settings.target_accept,
    sampler: SamplerName = Settings.sampler,
    seed: int = Settings.seed,
    cores: int | None = Settings.cores,
    progress: Progress | None = None,
) -> PalmFit:
    """Fit the PALM model to the runs of one task.

    Parameters
    ----------
    data : Runs, DataFrame, dict, path or paths
        See `palm_bayes.reading.read.read_runs`, also for ``strategies`` to ``spread``.
    priors : {"default", "bounds"} or Priors
        Weakly informative; flat between PALM.py's bounds; or custom ones.
    prior : Learned or path, optional
        Hyperparameters of default priors and misfit, learned from past curves by
        `palm_bayes.learn`. By default those that the package ships.
    draws, tune, chains, target_accept, sampler, seed, cores
        See `palm_bayes.inference.settings.Settings`.
    progress : callable, optional
        Called with (stage, strategy, fraction done). The stage is "compile", "sample", "retry" or
        a sentence, such as "2 of 6 strategies sampled".

    Raises
    ------
    DataError
        If the data cannot be used.

    Warns
    -----
    PalmWarning
        If the data are unusual but usable; see `palm_bayes.data.checks`.
    """
    settings = Settings(
        draws=draws, tune=tune, chains=chains, target_accept=target_accept,
        sampler=sampler, seed=seed, cores=cores,
    )  # fmt: skip
    reading = Reading(
        strategies, dataset, model, batch, x_mode, percent, metric, lower_is_better,
        max_repetitions, max_episodes, columns, layout, pattern, pool, spread,
    )  # fmt: skip
    runs = read(data, reading)
    for oddity in oddities(runs):
        warnings.warn(oddity, PalmWarning, stacklevel=2)
    from palm_bayes.inference.fitting import fit_validated

    return PalmFit.of(fit_validated(
        runs, priors=priors, learned=learned_from(prior), settings=settings,
        progress=told(progress), prior=prior_name(prior),
    ))  # fmt: skip
