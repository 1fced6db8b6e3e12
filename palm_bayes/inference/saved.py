"""Trace of a fit as a file: written, read and checked; without PyMC, which is slow to import."""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5netcdf
import h5py
import numpy as np
import pandas as pd
import xarray as xr
from xarray.backends import H5NetCDFStore

from palm_bayes.data.budgets import x_pool
from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score
from palm_bayes.errors import DataError, listed
from palm_bayes.model import curve
from palm_bayes.model.learned import Learned
from palm_bayes.model.variables import DATA_COORDS, DATA_DIMS, NOISE, VERSION, observations

if TYPE_CHECKING:
    from palm_bayes.model.priors import Priors

_HASHES = "sha256"  # file attribute with the hash of each group
# Last bytes of a file, after HDF5's own, which ignores them: a hash of all bytes before.
_SEAL = b"\npalm_bayes sha256 "
_END = 200  # bytes in which to look for the seal, more than it has
_MOST = 4_000_000_000  # bytes of a file: 50 strategies of 3 repetitions of 400 episodes have 2 GB
_LARGER = 20  # times the file: compressed draws are rarely a tenth as large


def about_fit(trace: xr.DataTree) -> dict[str, Any]:
    """Return what a trace keeps of its fit: data, sampling, priors, versions of the libraries."""
    about: dict[str, Any] = json.loads(trace.attrs["palm_bayes"])
    return about


def learned_of(trace: xr.DataTree) -> Learned:
    """Return the hyperparameters from past curves that the fit of a trace used."""
    return Learned.of(about_fit(trace)["learned"])


def prior_set_name(trace: xr.DataTree) -> str:
    """Return the name of the priors of a trace: "default", "bounds", or "own"."""
    return str(about_fit(trace).get("sampling", {}).get("priors"))


def priors_of(trace: xr.DataTree, runs: Runs, own: "Priors | None") -> "Priors":
    """Return a fit's priors for runs: its named set, or custom ones, which must be given again."""
    from palm_bayes.model.priors import priors_of_runs  # imports PyMC

    name = prior_set_name(trace)
    if own is None and name == "own":
        raise DataError("the fit has custom priors, which are not stored: give them again")
    if own is not None and name != "own":
        raise DataError(f"the fit has the named priors {name!r}: give none")
    return priors_of_runs(name if own is None else own, runs, learned_of(trace))


def about_data(runs: Runs, verdicts: pd.DataFrame) -> dict[str, Any]:
    """Return what a trace keeps of the data and of convergence, in the types of JSON."""
    of_runs = {
        "batch": runs.batch,
        **asdict(runs.score),
        "dataset": runs.dataset,
        "model": runs.model,
        "origins": [[*run, file] for run, file in runs.origins.items()],
        "notes": list(runs.notes),
        "read_with": dict(runs.read_with),
    }
    return {
        "data_sha256": runs.sha256(),
        "runs": of_runs,
        "convergence": json.loads(verdicts.reset_index().to_json(orient="records")),
    }


def data_groups(runs: Runs) -> dict[str, xr.Dataset]:
    """Return the groups of a trace that hold the data, which need no sampling."""
    constant = {
        name: (DATA_DIMS[name], value) for name, value in observations(runs).as_data().items()
    }
    strategies = {"strategy": list(runs.strategies), **DATA_COORDS}
    return {
        "constant_data": xr.Dataset(constant, strategies),
        "runs": runs.table.rename_axis("row").to_xarray(),
    }


def runs_from(rows: xr.Dataset, about: dict[str, Any]) -> Runs:
    """Restore the runs that `assemble` stored in a trace."""
    table = rows.to_dataframe().reset_index(drop=True)
    origins = {(strategy, repetition): file for strategy, repetition, file in about["origins"]}
    rest = {**about, "origins": origins, "notes": tuple(about["notes"])}
    score = Score(**{one.name: rest.pop(one.name) for one in fields(Score) if one.name in rest})
    return Runs(table, score=score, **rest)


def written(trace: xr.DataTree) -> bytes:
    """Return the trace as the bytes of a NetCDF file, with a hash of each group and of all bytes.

    They are made in memory: after a failed write, HDF5 closes the file again when the process ends.
    """
    hashed, buffer = trace.copy(), io.BytesIO()
    hashed.attrs = {**trace.attrs, _HASHES: json.dumps(_hashes(trace))}
    # `to_netcdf` asks the cluster for a lock where Dask has a client, which takes no buffer.
    with _Once(buffer, "w", track_order=True) as file, h5netcdf.File(file, "w") as groups:
        store = H5NetCDFStore(groups, mode="w")
        for group in hashed.subtree:
            top = group.path == "/"
            place = store if top else store.get_child_store(group.path)
            group.to_dataset(inherit=top).dump_to_store(place)
    contents = buffer.getvalue()
    return contents + _SEAL + hashlib.sha256(contents).hexdigest().encode()


def read(path: Path) -> tuple[xr.DataTree, Runs, pd.DataFrame]:
    """Read and check a file of `written`: the trace, its runs and the diagnostics by strategy.

    `DataError` if it is not such a file, was changed, or its draws cannot be used.
    """
    contents = _unsealed(path)
    try:
        with _Once(io.BytesIO(contents)) as file:
            _require_size(path, file, len(contents))
            trace = _tree(file)
        kept, rows = about_fit(trace), trace["runs"].to_dataset()
        _require_unchanged(path, trace)
        runs = runs_from(rows, kept["runs"])
        table = pd.DataFrame(kept["convergence"]).set_index("strategy")
        require_usable(path, trace, runs)
    except DataError:
        raise
    except Exception as error:  # HDF5 and its readers raise anything for a damaged file
        words = " ".join(str(error).split())
        raise DataError(f"{path} is not a fit saved by palm_bayes ({words})") from error
    return trace, runs, table


def _unsealed(path: Path) -> bytes:
    """Return the bytes for HDF5; `DataError`, before HDF5 reads them, if any was changed.

    Fits saved by earlier versions, or again by other programs, have no seal. Then the hashes of
    the groups alone show whether their values were changed.
    """
    try:
        size = path.stat().st_size
        if size > _MOST:
            raise DataError(f"{path} has more than {_MOST / 1e9:.0f} GB: it is no saved fit")
        with path.open("rb") as file:
            file.seek(max(size - _END, 0))
            end, seal, digest = file.read().rpartition(_SEAL)
            file.seek(0)
            contents = file.read(max(size - _END, 0) + len(end) if seal else -1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if seal and hashlib.sha256(contents).hexdigest().encode() != digest:
        raise DataError(f"{path} has been changed since it was saved: its checksum is another one")
    return contents


class _Once(h5py.File):  # type: ignore[misc] # h5py has no types
    """File whose objects are opened once; h5netcdf opens each dozens of times."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._opened: dict[str, Any] = {}

    def __getitem__(self, name: Any) -> Any:
        if not isinstance(name, str):  # a reference
            return super().__getitem__(name)
        found = self._opened.get(name)
        if found is None or found.name is None:  # deleted, and perhaps made anew
            found = self._opened[name] = super().__getitem__(name)
        return found


def _tree(file: h5py.File) -> xr.DataTree:
    """Read all groups, as `xarray.open_datatree` does, which takes no `_Once`."""
    with h5netcdf.File(file, "r", decode_vlen_strings=True) as top:
        stores = {group.name: H5NetCDFStore(group) for group in _groups(top)}
        return xr.DataTree.from_dict(
            {path: xr.open_dataset(store).load() for path, store in stores.items()}
        )


def _groups(group: h5netcdf.Group) -> Iterator[h5netcdf.Group]:
    yield group
    for child in group.groups.values():
        yield from _groups(child)


def _require_size(path: Path, file: h5py.File, size: int) -> None:
    """Raise `DataError` for a small file that holds huge arrays, before any is read."""
    sizes = list[int]()
    file.visititems(lambda _, item: sizes.append(getattr(item, "nbytes", 0)))  # groups have none
    if sum(sizes) > _LARGER * size:
        raise DataError(
            f"{path} is not a fit saved by palm_bayes: {size / 1e6:.1f} MB hold arrays of "
            f"{sum(sizes) / 1e6:,.0f} MB"
        )


def _require_unchanged(path: Path, trace: xr.DataTree) -> None:
    """Raise `DataError` for a trace of another version of the model, or one that was changed."""
    if about_fit(trace).get("model") != VERSION:
        raise DataError(f"{path} was saved with another version of the model: fit again")
    try:
        before: dict[str, str] = dict(json.loads(trace.attrs[_HASHES]))
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"{path} has no hashes of its contents: fit again") from error
    now = _hashes(trace)
    changed = [name for name in before | now if before.get(name) != now.get(name)]
    if changed:
        raise DataError(f"{path} has been changed since it was saved: {listed(changed)}")


def require_usable(place: object, trace: xr.DataTree, runs: Runs) -> None:
    """Raise `DataError`, naming the place, unless all strategies have finite draws of all."""
    needed = [*curve.PARAMETERS, *NOISE, "curve", "misfit"]
    needed += [] if x_pool(runs) is None else ["at_pool"]
    if missing := [name for name in needed if name not in trace["posterior"]]:
        raise DataError(f"{place} holds no draws of {listed(missing)}")
    for group in ("posterior", "sampled"):
        draws = trace[group].to_dataset().sel(strategy=list(runs.strategies))
        for name, part in draws.items():
            whole = (abs(part) < np.inf).all([dim for dim in part.dims if dim != "strategy"])
            if not whole.all():
                names = listed(draws["strategy"].to_numpy()[~whole.to_numpy()])
                raise DataError(f"{place}: draws of {name} are not finite for {names}")


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
