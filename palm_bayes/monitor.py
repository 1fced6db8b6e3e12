"""`StopMonitor`: stop rule inside a labelling loop."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from palm_bayes.data.limits import MIN_EPISODES, check_episode, check_options
from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score
from palm_bayes.data.validation import SLACK
from palm_bayes.decisions.decide import Decision, decision
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.rule_logic import Rule, stop_rule
from palm_bayes.decisions.stopping_rules import Target, Unreachable
from palm_bayes.errors import DataError, of_type, require_flag, text
from palm_bayes.inference.fitting import suited_priors
from palm_bayes.inference.importance_refit import refit_validated
from palm_bayes.inference.settings import Settings
from palm_bayes.model.learned import Learned, learned_from
from palm_bayes.model.priors import Priors
from palm_bayes.palm_fit import PalmFit, fit_runs


@dataclass
class StopMonitor:
    """Application of a stop rule after every episode of a labelling loop with one strategy.

    ``if monitor.update(labels, accuracy).stop: break``. The first fit compiles the model; later
    ones reweight its draws, and sample again only if the weights are unreliable
    (`palm_bayes.inference.importance_refit`).

    Attributes
    ----------
    rule : Rule
        Stop rule, fixed before data are collected.
    strategy : str
        Name of the strategy in sentences.
    batch : float, optional
        Labels per episode; by default the median step so far.
    force : bool
        Decide despite doubts about the fit; decisions mention them.
    percent : bool, optional
        True if accuracies are in percent; by default inferred from the data. Required if
        accuracies in percent may be below 1 at first.
    metric : str, optional
        Name of the score in sentences; by default accuracy or error.
    lower_is_better : bool
        True for error rates and losses.
    priors : {"default", "bounds"} or Priors
    prior : Learned or path, optional
        Hyperparameters learned from past curves, as of `palm_bayes.fit`.
    draws, tune, chains, seed : int
        See `palm_bayes.inference.settings.Settings`.
    fit : PalmFit or None
        Latest fit; None before the fourth episode.

    Raises
    ------
    DataError
        If an option cannot be used.
    """

    rule: Rule
    strategy: str = "the strategy"
    batch: float | None = None
    force: bool = False
    percent: bool | None = None
    metric: str | None = None
    lower_is_better: bool = False
    priors: str | Priors = "default"
    prior: Learned | str | Path | None = field(default=None, kw_only=True)
    draws: int = Settings.draws
    tune: int = Settings.tune
    chains: int = Settings.chains
    seed: int = Settings.seed
    fit: PalmFit | None = field(default=None, init=False)
    _learned: Learned | None = field(default=None, init=False, repr=False)
    _rows: list[tuple[str, float, float]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raise `DataError` for options that the first fit would refuse, episodes later."""
        stop_rule(self.rule)
        check_options(self.batch, "labels", None, None)
        of_type(self.strategy, str, "strategy", "the name of one")
        text(self.metric, "metric")
        require_flag(self.percent, "percent", None)
        for name in ("force", "lower_is_better"):
            require_flag(getattr(self, name), name)
        settings = Settings(self.draws, self.tune, self.chains, seed=self.seed)
        learned = learned_from(self.prior)
        self._learned = learned if self.prior else None  # the file may change before the fit
        suited_priors(self.priors, learned, settings)

    def update(self, labels: float, accuracy: float, repetition: str | int = "1") -> Decision:
        """Add one episode, and decide from all episodes.

        Parameters
        ----------
        labels : float
            Cumulative labels of the repetition, more than at its last episode.
        accuracy : float
            Score measured with them; always a fraction or always percent.
        repetition : str or int
            Name of the repetition, if the loop runs several in parallel.

        Returns
        -------
        Decision
            "cannot say" before a repetition has four episodes, unless a budget or pool is spent.

        Raises
        ------
        DataError
            If the episode cannot be used, the rule does not fit its scale, or the episode would
            change the unit inferred from earlier ones; the episode is then not added, and `fit` is
            unchanged.
        """
        rows = [*self._rows, self._checked(str(repetition), labels, accuracy)]
        table = pd.DataFrame(rows, columns=["repetition", "labels", "accuracy"])
        self._check_unit(table["accuracy"])
        found, fit = self._judged(table.assign(strategy=self.strategy))
        self._rows, self.fit = rows, fit  # both, once nothing can fail
        return found

    def _judged(self, table: pd.DataFrame) -> tuple[Decision, PalmFit | None]:
        longest = int(table["repetition"].value_counts().max())
        if longest < MIN_EPISODES:
            return self._too_early(table, longest), self.fit
        runs = Runs.from_frame(
            table, batch=self.batch, percent=self.percent, metric=self.metric,
            lower_is_better=self.lower_is_better,
        )  # fmt: skip
        if self.fit is None:
            fit = fit_runs(
                runs, priors=self.priors, prior=self._learned, draws=self.draws, tune=self.tune,
                chains=self.chains, seed=self.seed,
            )  # fmt: skip
        else:  # without the warnings, which came with the first fit
            own = None if isinstance(self.priors, str) else self.priors
            fit = PalmFit.of(refit_validated(self.fit, runs, priors=own))
        return fit.decide(self.rule, strategy=self.strategy, force=self.force), fit

    def _too_early(self, table: pd.DataFrame, longest: int) -> Decision:
        """Decide without a fit, from budget and pool."""
        spent = float(table["labels"].max())
        step = self.batch or float(table.groupby("repetition")["labels"].diff().median())
        ahead = np.array([spent, spent + (step if np.isfinite(step) else spent)])
        score = self._score(table["accuracy"])
        outlook = Outlook(self.strategy, ahead, np.arange(2.0), np.empty((0, 2)), score)
        doubt = f"only {longest} of the {MIN_EPISODES} episodes that a fit needs are available"
        doubts = {
            leaf: () if leaf.horizon(spent) is None else (doubt,) for leaf in self.rule.leaves()
        }
        return decision(self.rule, outlook, doubts)

    def _score(self, accuracies: "pd.Series[float]") -> Score:
        percent = accuracies.max() > 1 + SLACK if self.percent is None else self.percent
        return Score(self.metric or "accuracy", bool(percent), self.lower_is_better)

    def _check_unit(self, accuracies: "pd.Series[float]") -> None:
        """Refuse to infer a unit that the rule contradicts, or that changes after the first fit."""
        if self.percent is not None:
            return
        score, last = self._score(accuracies), accuracies.iloc[-1]
        for leaf in self.rule.leaves():
            if isinstance(leaf, (Target, Unreachable)):
                score.require_unit(leaf.accuracy)
        if self.fit is not None and score.percent and not self.fit.runs.score.percent:
            raise DataError(
                f"{score.metric} is {last:g}, but the {len(accuracies) - 1} before are at most 1 "
                "and were read as fractions: if all are in percent, make the monitor with "
                "percent=True and give it all episodes again"
            )

    def _checked(self, repetition: str, labels: float, accuracy: float) -> tuple[str, float, float]:
        """Return a valid row."""
        before = max((at for name, at, _ in self._rows if name == repetition), default=0.0)
        check_episode(labels, accuracy, before, self.metric or "accuracy")
        return repetition, float(labels), float(accuracy)
