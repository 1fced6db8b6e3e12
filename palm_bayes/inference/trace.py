"""Trace of a fit: one DataTree, assembled from the strategies' samples."""

import json
from importlib.metadata import version
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs
from palm_bayes.inference import pointwise
from palm_bayes.inference.joint import joint_draws, with_pool
from palm_bayes.inference.nuts import Sample
from palm_bayes.inference.saved import about_data, data_groups
from palm_bayes.model.learned import Learned
from palm_bayes.model.variables import VERSION
from palm_bayes.version import __version__

_LIBRARIES = ("pymc", "arviz", "nutpie", "numpy", "xarray")


def assemble(
    runs: Runs,
    samples: list[Sample],
    verdicts: pd.DataFrame,
    about: dict[str, Any],
    learned: Learned,
) -> xr.DataTree:
    """Assemble the trace from the strategies' samples.

    The group ``posterior`` is joint over strategies (`palm_bayes.inference.joint`); ``sampled``
    holds the separate draws of each strategy in the order of the chains, to which the statistics
    of the sampler belong.
    """
    names, data = pd.Index(runs.strategies, name="strategy"), data_groups(runs)
    joint = joint_draws(runs, samples, learned.misfit, about["seed"])
    posterior = _of_all([sample.posterior for sample, _ in joint], names)
    misfit = xr.concat([of_one for _, of_one in joint], posterior["strategy"])
    posterior["misfit"] = misfit.transpose("chain", "draw", "strategy")
    converged = list(verdicts.index[verdicts["passed"]])
    ends = data["constant_data"]["ends"]
    posterior = with_pool(posterior, ends, runs, learned.misfit, converged)
    log_likelihood = np.concatenate([sample.log_likelihood for sample, _ in joint], axis=-1)
    kept = {
        "model": VERSION,
        "sampling": about,
        "learned": learned.document(),
        "versions": {"palm-bayes": __version__, **{name: version(name) for name in _LIBRARIES}},
        **about_data(runs, verdicts),
    }
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs={"palm_bayes": json.dumps(kept)}),
            "posterior": posterior,
            "sampled": _of_all([sample.posterior for sample in samples], names),
            **_statistics(samples, names),
            **_of_observations(runs, log_likelihood),
            **data,
        }
    )


def _of_observations(runs: Runs, log_likelihood: Floats) -> dict[str, xr.Dataset]:
    """Return the groups with a value for each accuracy, which say where it is."""
    where = {
        name: ("observation", runs.table[name].to_numpy(kind))
        for name, kind in (("strategy", str), ("repetition", str), ("episode", int))
    }
    where["of_strategy"] = where.pop("strategy")
    observed = "observation", runs.table["accuracy"].to_numpy(float)
    of_draws = ("chain", "draw", "observation"), log_likelihood
    return {
        "log_likelihood": xr.Dataset({"accuracy": of_draws}, where),
        "observed_data": xr.Dataset({"accuracy": observed}, where),
    }


def _statistics(samples: list[Sample], names: "pd.Index[str]") -> dict[str, xr.Dataset]:
    """Return the sampler's statistics of all strategies together, and of each."""
    each = xr.concat([sample.stats for sample in samples], names, combine_attrs="drop")
    totals = [
        xr.DataArray(sample.log_likelihood.sum(axis=-1), dims=("chain", "draw"))
        for sample in samples
    ]
    each["total_log_likelihood"] = xr.concat(totals, names)
    each = each.transpose("chain", "draw", "strategy")
    # Strategies are independent: their energies add up.
    of_all = each[["n_steps", "energy"]].sum("strategy", skipna=False)
    of_all["diverging"] = each["diverging"].any("strategy")
    of_all["step_size"] = each["step_size"].min("strategy")
    return {"sample_stats": of_all, "strategy_stats": each}


def _of_all(samples: list[xr.Dataset], names: "pd.Index[str]") -> xr.Dataset:
    joined = xr.concat(samples, "strategy", combine_attrs="drop")
    return joined.assign_coords(strategy=np.array(names, dtype=str))


def leave_one_out(trace: xr.DataTree, runs: Runs) -> az.ELPDData:
    """Estimate the log predictive density of each accuracy given all others, as `az.loo` does.

    Accuracies of a strategy are dependent given its parameters. The log-likelihood in the trace is
    sequential, of each accuracy given the earlier ones, so ``az.loo`` of the trace would not leave
    an observation out. Here each accuracy is conditioned on all the others.

    Returns
    -------
    arviz.ELPDData
        Pointwise, with Pareto k; ``az.compare`` accepts several.
    """
    posterior = trace["posterior"].to_dataset()
    terms = [
        pointwise.leave_one_out(posterior.sel(strategy=name), runs.strategy(name))
        for name in runs.strategies
    ]
    given = trace["log_likelihood"].to_dataset()["accuracy"]
    each = given.copy(data=np.concatenate(terms, axis=-1)).to_dataset()
    return az.loo(xr.DataTree.from_dict({"posterior": posterior, "log_likelihood": each}))
