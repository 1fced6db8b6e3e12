"""Trace of a fit as one DataTree: assembled from the strategies' samples, written and read."""

import hashlib
import io
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, listed
from palm_bayes.inference import pointwise
from palm_bayes.inference.joint import together
from palm_bayes.inference.nuts import Sample
from palm_bayes.model import curve
from palm_bayes.model.build import DATA_COORDS, DATA_DIMS, NOISE, VERSION, observations
from palm_bayes.model.learned import Learned
from palm_bayes.version import __version__

_HASHES = "sha256"  # file attribute with the hash of each group
# Last bytes of a file, after HDF5's own, which ignores them: a hash of all bytes before.
_SEAL = b"\npalm_bayes sha256 "
_LIBRARIES = ("palm-bayes", "pymc", "arviz", "nutpie", "numpy", "xarray")


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
    names = pd.Index(runs.strategies, name="strategy")
    joint = together(runs, samples, learned.misfit, about["seed"])
    posterior = _of_all([sample.posterior for sample, _ in joint], names)
    misfit = xr.concat([of_one for _, of_one in joint], posterior["strategy"])
    posterior["misfit"] = misfit.transpose("chain", "draw", "strategy", "misfit_part")
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
    pointwise = np.concatenate([sample.log_likelihood for sample, _ in joint], axis=-1)
    kept = {
        "data_sha256": runs.sha256(),
        "model": VERSION,
        "sampling": about,
        "learned": learned.document(),
        "versions": {name: _version(name) for name in _LIBRARIES},
        "runs": _about_runs(runs),
        "convergence": json.loads(verdicts.reset_index().to_json(orient="records")),
    }
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs={"palm_bayes": json.dumps(kept)}),
            "posterior": posterior,
            "sampled": _of_all([sample.posterior for sample in samples], names),
            "sample_stats": of_all,
            "strategy_stats": each,
            "log_likelihood": xr.Dataset({"accuracy": (dims, pointwise)}, where),
            "observed_data": observed,
            "constant_data": given,
            "runs": runs.table.rename_axis("row").to_xarray(),
        }
    )


def _of_all(samples: list[xr.Dataset], names: "pd.Index[str]") -> xr.Dataset:
    joined = xr.concat(samples, "strategy", combine_attrs="drop")
    return joined.assign_coords(strategy=np.array(names, dtype=str))


def learned_of(trace: xr.DataTree) -> Learned:
    """Return the hyperparameters from past curves that the fit of a trace used."""
    return Learned.of(json.loads(trace.attrs["palm_bayes"])["learned"])


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


def runs_from(rows: xr.Dataset, about: dict[str, Any]) -> Runs:
    """Restore the runs that `assemble` stored in a trace."""
    table = rows.to_dataframe().reset_index(drop=True)
    origins = {(strategy, repetition): file for strategy, repetition, file in about["origins"]}
    rest = {**about, "origins": origins, "notes": tuple(about["notes"])}
    return Runs(table, **rest)


def _version(library: str) -> str:
    return __version__ if library == "palm-bayes" else version(library)


def written(trace: xr.DataTree) -> bytes:
    """Return the trace as the bytes of a NetCDF file, with a hash of each group and of all bytes.

    They are made in memory: after a failed write, HDF5 closes the file again when the process ends.
    """
    hashed = trace.copy()
    hashed.attrs = {**trace.attrs, _HASHES: json.dumps(_hashes(trace))}
    contents = bytes(hashed.to_netcdf(engine="h5netcdf"))
    return contents + _SEAL + hashlib.sha256(contents).hexdigest().encode()


def read(path: Path) -> tuple[xr.DataTree, Runs, pd.DataFrame]:
    """Read and check a file of `written`: the trace, its runs and the diagnostics by strategy.

    Raises
    ------
    DataError
        If it is not such a file, was changed, or its draws cannot be used.
    """
    contents = _unsealed(path)
    try:
        with xr.open_datatree(io.BytesIO(contents), engine="h5netcdf") as tree:
            trace = tree.load()
        kept = json.loads(trace.attrs["palm_bayes"])
        rows, model = trace["runs"].to_dataset(), kept.get("model")
        _require_this_model(path, model)
        _require_unchanged(path, trace)
        runs = runs_from(rows, kept["runs"])
        table = pd.DataFrame(kept["convergence"]).set_index("strategy")
        _require_usable(path, trace["posterior"].to_dataset(), runs)
    except DataError:
        raise
    except Exception as error:  # HDF5 and its readers raise anything for a damaged file
        raise _not_a_fit(path, error) from error
    return trace, runs, table


def _unsealed(path: Path) -> bytes:
    """Return the bytes for HDF5; `DataError`, before HDF5 reads them, if any was changed.

    Fits saved by earlier versions, or again by other programs, have no seal. Then the hashes of
    the groups alone show whether their values were changed.
    """
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    inside, seal, digest = contents.rpartition(_SEAL)
    if not seal:
        return contents
    if hashlib.sha256(inside).hexdigest().encode() != digest:
        raise DataError(f"{path} has been changed since it was saved: its checksum is another one")
    return inside


def _not_a_fit(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is not a fit saved by palm_bayes ({' '.join(str(error).split())})")


def _require_this_model(path: Path, model: object) -> None:
    if model != VERSION:
        raise DataError(f"{path} was saved with another version of the model: fit again")


def _require_unchanged(path: Path, trace: xr.DataTree) -> None:
    try:
        before: dict[str, str] = dict(json.loads(trace.attrs[_HASHES]))
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"{path} has no hashes of its contents: fit again") from error
    now = _hashes(trace)
    changed = [name for name in before | now if before.get(name) != now.get(name)]
    if changed:
        raise DataError(f"{path} has been changed since it was saved: {listed(changed)}")


def _require_usable(path: Path, posterior: xr.Dataset, runs: Runs) -> None:
    """Raise `DataError` unless every strategy has finite draws of every parameter."""
    for name in (*curve.PARAMETERS, *NOISE, "misfit"):
        if name not in posterior:
            raise DataError(f"{path} holds no draws of {name}")
        draws = posterior[name].sel(strategy=list(runs.strategies))
        whole = (abs(draws) < np.inf).all([dim for dim in draws.dims if dim != "strategy"])
        if not whole.all():
            names = listed(draws["strategy"].to_numpy()[~whole.to_numpy()])
            raise DataError(f"{path}: draws of {name} are not finite for {names}")


def _hashes(trace: xr.DataTree) -> dict[str, str]:
    """Hash every group by its path: its variables and its attributes except the hashes."""
    return {
        group.path: _hash(group.to_dataset(inherit=False), group.path == "/")
        for group in trace.subtree
    }


def _hash(group: xr.Dataset, top: bool) -> str:
    """Hash a group; only the package's own attributes, since libraries may change theirs."""
    digest = hashlib.sha256(str(group.attrs.get("palm_bayes", "")).encode() if top else b"")
    for name in sorted(map(str, group.variables)):
        variable = group.variables[name]
        values = np.asarray(variable.values)
        digest.update(f"{name} {variable.dims} {variable.shape}\n".encode())
        if values.dtype.kind in "biufc":
            whole = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
            digest.update(whole.tobytes())
        else:  # text is read as another type
            digest.update(json.dumps([str(value) for value in values.flat]).encode())
    return digest.hexdigest()
