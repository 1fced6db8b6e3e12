"""Fits of one task that were made separately, as one fit without common error.

Their draws are independent: repetitions of the same seed are not paired, and nothing is pooled
between the fits. Draws of equal numbers in two fits may still come from equal random numbers, as
the misfit does where seeds are equal. So the draws of each fit are put in an order of their own.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.data.budgets import unit_of, x_pool
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, listed
from palm_bayes.files import TRACE
from palm_bayes.inference.convergence import Convergence
from palm_bayes.inference.posterior import Posterior
from palm_bayes.inference.saved import about_data, about_fit, data_groups, prior_set_name

_DRAWS = ("chain", "draw")
_ALONG = {
    **dict.fromkeys(("posterior", "sampled", "strategy_stats"), "strategy"),
    **dict.fromkeys(("log_likelihood", "observed_data"), "observation"),
}
"""Groups of a trace, with the dim along which those of several fits are put together."""


def side_by_side(fits: Mapping[str, Posterior]) -> Posterior:
    """Put separate fits of one task, by path or another name, together with a note of that.

    The name is added to those of strategies that several fits have: "margin (a)" is that of
    "runs/a.nc". There are as many draws as every fit has. `DataError` if the fits differ in task,
    scale, unit or batch of labels, or priors.
    """
    if len(fits) < 2:
        raise DataError(f"{listed(fits)} is one fit: give at least two")
    for (name, one), (other, two) in pairwise(fits.items()):
        _require_alike(name, one, other, two)
    renamed = _told_apart(fits)
    runs = _all_runs(fits, renamed)
    sizes = [fit.trace["posterior"].sizes for fit in fits.values()]
    chains, draws = (min(size[dim] for size in sizes) for dim in _DRAWS)
    tree = {}
    for group, along in _ALONG.items():
        parts = [
            _named(_taken(fit.trace, group, (chains, draws), place), renamed[name])
            for place, (name, fit) in enumerate(fits.items())
        ]
        tree[group] = xr.concat(parts, along, combine_attrs="drop")
    tree |= data_groups(runs)
    tables = [fit.convergence.table.rename(index=renamed[name]) for name, fit in fits.items()]
    verdicts = pd.concat(tables)
    first = next(iter(fits.values()))
    traces = [fit.trace for fit in fits.values()]
    told = {part: _of_each(traces, part) for part in ("sampling", "versions")}
    about = about_fit(first.trace) | told | about_data(runs, verdicts) | {"fits": list(fits)}
    tree["/"] = xr.Dataset(attrs={"palm_bayes": json.dumps(about)})
    return Posterior(runs, xr.DataTree.from_dict(tree), Convergence(verdicts))


def short_names(places: Iterable[str]) -> dict[str, str]:
    """Shorten paths to names that differ: the stem, or the folder of a trace.nc."""
    every = list(places)
    paths = [Path(place) for place in every]
    stems = [path.parent.name if path.name == TRACE else path.stem for path in paths]
    names = [stem if stem and stems.count(stem) == 1 else place
             for stem, place in zip(stems, every, strict=True)]  # fmt: skip
    return dict(zip(every, names, strict=True))


def _of_each(traces: Sequence[xr.DataTree], part: str) -> dict[str, Any]:
    """Return what traces say of a part, such as versions; all values, as text, of what differs."""
    first, *others = (about_fit(trace)[part] for trace in traces)
    return {
        name: value
        if all(other.get(name) == value for other in others)
        else ", ".join(str(each.get(name)) for each in (first, *others))
        for name, value in first.items()
    }


def _require_alike(name: str, one: Posterior, other: str, two: Posterior) -> None:
    of_two = _must_agree(two)
    for what, value in _must_agree(one).items():
        last = of_two[what]
        if value and last and value != last:  # the names of a task may be unknown
            told = f"the {what} is {value} in {name}, {last} in {other}"
            raise DataError(f"fits of one task can be compared, but {told}")
    if one.learned != two.learned:
        raise DataError(f"{name} and {other} have different learned priors: fit one of them anew")


def _must_agree(fit: Posterior) -> dict[str, str]:
    """Describe what fits of one task have in common."""
    runs = fit.runs
    return {
        "dataset": runs.dataset,
        "model": runs.model,
        "unit of budgets": unit_of(runs),
        "score": runs.score.metric,
        "scale of scores": "percent" if runs.score.percent else "fractions",
        "better value": "lower" if runs.score.lower_is_better else "higher",
        "number of labels per episode": f"{runs.batch:g}",
        "end of the pool": f"{x_pool(runs) or 'unknown'}",
        "axis of the curve": runs.x_mode,
        "noise": "of means" if runs.of_means else "of repetitions",
        "set of priors": prior_set_name(fit.trace),
    }


def _told_apart(fits: Mapping[str, Posterior]) -> dict[str, dict[str, str]]:
    """Return new names of the strategies that several fits have, by fit."""
    every = [name for fit in fits.values() for name in fit.runs.strategies]
    short = short_names(fits)
    return {
        place: {s: f"{s} ({short[place]})" for s in fit.runs.strategies if every.count(s) > 1}
        for place, fit in fits.items()
    }


def _all_runs(fits: Mapping[str, Posterior], renamed: Mapping[str, Mapping[str, str]]) -> Runs:
    """Return the runs of all fits; no two fits share a repetition."""
    tables, origins, notes, short = [], {}, [], short_names(fits)
    for name, fit in fits.items():
        table = fit.runs.table
        repetitions = {r: f"{r} ({short[name]})" for r in table["repetition"].unique()}
        tables.append(table.replace({"strategy": renamed[name], "repetition": repetitions}))
        for (strategy, repetition), file in fit.runs.origins.items():
            origins[renamed[name].get(strategy, strategy), repetitions[repetition]] = file
        notes += [note for note in fit.runs.notes if note not in notes]
    first = next(iter(fits.values())).runs
    task: dict[str, Any] = {
        word: next(filter(None, (getattr(fit.runs, word) for fit in fits.values())), "")
        for word in ("dataset", "model")
    }
    told = f"{listed(fits)} were fitted separately: their draws are independent, repetitions of "
    told += "the same seed are not paired, and nothing is pooled between the fits."
    table = pd.concat(tables, ignore_index=True)
    return replace(first, table=table, origins=origins, notes=(*notes, told), **task)


def _taken(trace: xr.DataTree, group: str, size: tuple[int, int], place: int) -> xr.Dataset:
    """Take as many chains and draws of a group, joint draws in an order of each fit's own.

    Separate draws keep the order of the chains, to which their diagnostics belong.
    """
    part = trace[group].to_dataset()
    if "draw" not in part.dims:
        return part
    order = np.arange(part.sizes["draw"])
    if group in {"posterior", "log_likelihood"}:
        order = np.random.default_rng(place).permutation(order)
    chains, draws = map(np.arange, size)
    return part.isel(chain=chains, draw=order[draws]).assign_coords(chain=chains, draw=draws)


def _named(part: xr.Dataset, names: Mapping[str, str]) -> xr.Dataset:
    """Rename the strategies of a group."""
    word = "strategy" if "strategy" in part.coords else "of_strategy"  # the latter by observation
    new = [names.get(str(s), str(s)) for s in part[word].to_numpy()]
    return part.assign_coords({word: (part[word].dims, new)})
