"""Conversion of one strategy's draws between scalar variables and labelled arrays."""

import numpy as np
import xarray as xr

from palm_bayes.arrays import Floats, Integers
from palm_bayes.data.runs import Runs
from palm_bayes.model import curve
from palm_bayes.model.variables import (
    FREE,
    NOISE,
    VECTOR_COORDS,
    VECTOR_DIMS,
    VECTORS,
    observations,
)


def labelled(numbers: dict[str, Floats]) -> xr.Dataset:
    """Arrange draws of scalars, dims (chain, draw), in free variables as `pymc.sample` does."""
    dims = ("chain", "draw", "strategy")
    vectors = {
        name: ((*dims, VECTOR_DIMS[name]), np.stack([numbers[each] for each in of], -1)[:, :, None])
        for name, of in VECTORS.items()
    }
    scalars = {name: (dims, numbers[name][..., None]) for name in FREE if name not in VECTORS}
    return xr.Dataset({**scalars, **vectors}, VECTOR_COORDS)


def with_parameters(free: xr.Dataset, runs: Runs) -> xr.Dataset:
    """Add elements of vectors by name, and δ; computing them here saves compilation."""
    each = {
        number: free[name].sel({VECTOR_DIMS[name]: number}, drop=True)
        for name, numbers in VECTORS.items()
        for number in numbers
    }
    log_u = each.pop("log_u_first")
    x_first = observations(runs).ends.x_first[0]  # which alignment may change
    each["delta"] = curve.delta(log_u, each["alpha"], each["beta"], x_first)
    return free.assign(each)


def taken(part: xr.Dataset, which: Integers) -> xr.Dataset:
    """Select draws of each chain by position, dims (chain, draw); drop the draw coordinate."""
    at = {
        "chain": xr.DataArray(np.arange(len(which)), dims="chain"),
        "draw": xr.DataArray(which, dims=("chain", "draw")),
    }
    return part.drop_vars("draw", errors="ignore").isel(at)


def verdict_numbers(posterior: xr.Dataset) -> xr.Dataset:
    """Select the variables to diagnose: free variables and δ; the others repeat them."""
    return posterior.drop_vars(["A_max", "alpha", "beta", *VECTORS["memory"]])


def numbers_of(posterior: xr.Dataset) -> dict[str, Floats]:
    """Return draws of one strategy's curve and noise by parameter, dims (chain, draw, 1)."""
    of_curve = posterior["curve"].to_dataset("parameter")[list(curve.COORDINATES)]
    each = of_curve.merge(posterior[list(NOISE)], compat="override").transpose("chain", "draw")
    return {name: each[name].to_numpy()[..., None] for name in (*curve.COORDINATES, *NOISE)}
