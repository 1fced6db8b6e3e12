"""Counts of each row: the number of its episode, and the labels."""

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_text
from palm_bayes.data.scales import RUN, reject
from palm_bayes.errors import listed

UNUSED = "unused: "  # prefix that readers give to unknown columns


def with_counts(table: pd.DataFrame, batch: float | None, notes: list[str]) -> pd.DataFrame:
    """Give every row its episode (1, 2, 3 ...) and labels (NaN where unknown).

    They are ranks of the labels in a table without ``episode``; `batch` is the labels per episode,
    as the user gives it. `DataError` if a count is not allowed, or a row is there twice.
    """
    ranked = "episode" not in table
    table = table.assign(labels=table.get("labels", np.nan))
    reject(table, table["labels"] <= 0, "labels are {labels:,.10g}, but must be above 0")
    share = "labels are {labels:,.10g}, a share of the pool? Allowed are numbers of labels, from 1"
    reject(table, table["labels"] < 1, share)
    if ranked:
        table["episode"] = table.groupby(RUN)["labels"].rank("dense")
    bad = (table["episode"] < 0) | (table["episode"] % 1 != 0)
    reject(table, bad, "the episode must be a whole number from 1 (or from 0)")
    table["episode"] = table["episode"].astype("int64")
    again = table.duplicated([*RUN, "episode"])
    what = "{labels:,.10g} labels" if ranked else "this episode"
    message = f"a second row for {what}, allowed is one per strategy and repetition"
    hint = _distinguishing_columns(table) if again.any() else ""
    reject(table.assign(hint=hint), again, message + "{hint}")
    if table["labels"].notna().any() or batch is None:  # else labels are episodes times batch
        _count_by_ones(table, notes)
    if table["episode"].min() == 0:
        table["episode"] += 1
        notes.append("Episodes are counted from 0 in the data, and from 1 here.")
    return table


def _count_by_ones(table: pd.DataFrame, notes: list[str]) -> None:
    """Divide the numbers of episodes by their common step, in place.

    Noise is autocorrelated by episodes, so that numbers such as 20, 40, 60 would hide it.
    """
    numbers = np.unique(table["episode"])
    step = int(np.gcd.reduce(np.diff(numbers)))
    if step < 2:
        return
    first = int(numbers[0])
    begins = max(first // step, 1) if first % step == 0 else 1
    table["episode"] = (table["episode"] - first) // step + begins
    shown = ", ".join(map(str, numbers[:3]))
    notes.append(f"Episodes are numbered {shown} ... in the data, by {step}; here by 1.")


def _distinguishing_columns(table: pd.DataFrame) -> str:
    """Name unused columns that distinguish rows of one strategy, repetition and episode.

    Values of such a column recur in other episodes of the repetition; measurements rarely do.
    """
    keys = [*RUN, "episode"]
    unused = {str(c): as_text(table[c]) for c in table if str(c).startswith(UNUSED)}
    unused = {c: cells for c, cells in unused.items() if 2 * cells.nunique() <= len(table)}
    table = table.assign(**unused)
    names = listed(c.removeprefix(UNUSED) for c in unused if not table.duplicated([*keys, c]).any())
    if names:
        return f"; unused columns that distinguish them: {names}"
    labels = table.groupby(RUN)["labels"]
    stays = (labels.max() == labels.min()).all()
    return "; labels are those so far, not those of one episode" if stays else ""
