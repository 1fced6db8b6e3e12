"""The trace of a fit, one DataTree: joined from the strategies' samples, and the runs read back."""

import json
from importlib.metadata import version
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes import __version__, pointwise
from palm_bayes.model import DATA_COORDS, DATA_DIMS, VERSION, observations
from palm_bayes.runs import Runs
from palm_bayes.sampling import Sample

_LIBRARIES = ("palm-bayes", "pymc", "arviz", "nutpie", "numpy", "xarray")


def assemble(
    runs: Runs, samples: list[Sample], verdicts: pd.DataFrame, about: dict[str, Any]
) -> xr.DataTree:
    """Join the strategies' samples. Independent, their energies add up to the joint model's."""
    names = pd.Index(runs.strategies, name="strategy")
    posterior = xr.concat(
        [sample.posterior for sample in samples], "strategy", combine_attrs="drop"
    )
    posterior = posterior.assign_coords(strategy=np.array(names, dtype=str))
    each = xr.concat([sample.stats for sample in samples], names, combine_attrs="drop")
    each = each.transpose("chain", "draw", "strategy")
    joint = each[["n_steps", "energy"]].sum("strategy", skipna=False)
    joint["diverging"] = each["diverging"].any("strategy")
    joint["step_size"] = each["step_size"].min("strategy")
    data = observations(runs)
    where = {
        name: ("observation", runs.table[name].to_numpy(kind))
        for name, kind in (("strategy", str), ("repetition", str), ("episode", int))
    }
    where["of_strategy"] = where.pop("strategy")
    observed = xr.Dataset({"accuracy": ("observation", data.accuracy)}, where)
    constant = {name: (DATA_DIMS[name], value) for name, value in data.as_data().items()}
    given = xr.Dataset(constant, {"strategy": posterior["strategy"], **DATA_COORDS})
    dims = "chain", "draw", "observation"
    pointwise = np.concatenate([sample.log_likelihood for sample in samples], axis=-1)
    kept = {
        "data_sha256": runs.sha256(),
        "model": VERSION,
        "sampling": about,
        "versions": {name: _version(name) for name in _LIBRARIES},
        "runs": _about_runs(runs),
        "convergence": json.loads(verdicts.reset_index().to_json(orient="records")),
    }
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs={"palm_bayes": json.dumps(kept)}),
            "posterior": posterior,
            "sample_stats": joint,
            "strategy_stats": each,
            "log_likelihood": xr.Dataset({"accuracy": (dims, pointwise)}, where),
            "observed_data": observed,
            "constant_data": given,
            "runs": runs.table.rename_axis("row").to_xarray(),
        }
    )


def _about_runs(runs: Runs) -> dict[str, Any]:
    return {
        "batch": runs.batch,
        "percent": runs.percent,
        "dataset": runs.dataset,
        "model": runs.model,
        "origins": [[*run, file] for run, file in runs.origins.items()],
        "notes": list(runs.notes),
    }


def leave_one_out(trace: xr.DataTree, runs: Runs) -> az.ELPDData:
    """How well the model tells each accuracy, given all the others: `az.loo` done right.

    Accuracies of a strategy depend on each other given its parameters. The log-likelihood in the
    trace is of each accuracy given the earlier ones, whose sum is that of all: ``az.loo`` of it
    would leave nothing out. Here it is of each accuracy given all the others.

    Returns
    -------
    arviz.ELPDData
        Pointwise, with Pareto k; ``az.compare`` takes several.
    """
    posterior = trace["posterior"].to_dataset()
    terms = [
        pointwise.leave_one_out(posterior.sel(strategy=name), runs.strategy(name))
        for name in runs.strategies
    ]
    given = trace["log_likelihood"].to_dataset()["accuracy"]
    each = given.copy(data=np.concatenate(terms, axis=-1)).to_dataset()
    return az.loo(xr.DataTree.from_dict({"posterior": posterior, "log_likelihood": each}))


def runs_from(rows: xr.Dataset, about: dict[str, Any]) -> Runs:
    """Read back the runs that `assemble` put into a trace."""
    table = rows.to_dataframe().reset_index(drop=True)
    origins = {(strategy, repetition): file for strategy, repetition, file in about["origins"]}
    rest = {**about, "origins": origins, "notes": tuple(about["notes"])}
    return Runs(table, **rest)


def _version(library: str) -> str:
    return __version__ if library == "palm-bayes" else version(library)
