"""`PredictivePosterior`: a posterior with methods that compute by PyMC, which they import."""

from typing import TYPE_CHECKING

import xarray as xr
from numpy.typing import ArrayLike

from palm_bayes.inference.posterior import Posterior

if TYPE_CHECKING:
    import pymc as pm

    from palm_bayes.model.priors import Priors


class PredictivePosterior(Posterior):
    """Posterior with prior and predictive draws on request; a `palm_bayes.PalmFit` is one."""

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
            self, prior=prior, posterior=posterior, log_prior=log_prior, priors=priors,
            draws=draws, seed=seed,
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

        return predictive_model(self, labels, episodes, horizon, priors)
