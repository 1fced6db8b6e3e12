"""Tables whose headers or rows tell means from their spread, made tables with a column of each."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_text
from palm_bayes.errors import listed
from palm_bayes.reading import columns
from palm_bayes.reading.in_memory import Raw
from palm_bayes.reading.run_names import repetition_of
from palm_bayes.reading.sheet import joined

_STATISTICS = columns.SUMMARIES | columns.COUNT | {"standard"}


def with_flat_means(raw: Raw) -> Raw:
    """Join the levels of names of columns of which one tells means from their spread."""
    frame = raw.frame
    for level in range(frame.columns.nlevels if frame.columns.nlevels > 1 else 0):
        names = {str(name).lower() for name in frame.columns.get_level_values(level)}
        if names & columns.MEAN and names & (columns.DEVIATION | columns.ERROR_OF_MEAN):
            others = names - columns.SUMMARIES - columns.COUNT
            if not any(map(repetition_of, others)):
                return replace(raw, frame=frame.set_axis([*map(joined, frame.columns)], axis=1))
    return raw


def with_means_beside(raw: Raw) -> Raw:
    """Lay rows of means, of their spread and of their number side by side.

    A column, such as stat, tells which they are. Columns whose cells recur in the rows of each tell
    which rows belong together; the others are values: accuracy becomes accuracy_mean and so on.
    """
    frame = raw.frame
    places = range(frame.shape[1] if frame.columns.nlevels == 1 else 0)
    told = next((i for i in places if _tells_statistics(frame, i)), None)
    if told is None:
        return raw
    said = as_text(frame.iloc[:, told]).to_numpy()
    mean = said == next(filter(_is_mean, said))
    texts = {i: as_text(frame.iloc[:, i]).reset_index(drop=True) for i in places if i != told}
    keys = {i: cells for i, cells in texts.items() if cells.isin(cells[mean]).all()}
    values = [i for i in {*texts} - {*keys} if not columns.is_index(frame.columns[i])]
    one = pd.Series(0, range(len(frame)))
    group = one.groupby([*keys.values()]).ngroup() if keys else one
    twice = pd.DataFrame({"group": group, "said": said}).duplicated().any()
    if not values or twice or not group.isin(group[mean]).all():
        return raw
    parts = _laid(frame.iloc[:, sorted(values)].set_axis(group), said, group[mean])
    table = pd.concat([frame.iloc[mean, [*keys]], parts.set_axis(frame.index[mean])], axis=1)
    note = f"{frame.columns[told]} tells {listed(pd.unique(said))}"
    return replace(raw, frame=table, notes=(*raw.notes, note))


def _laid(
    values: pd.DataFrame, said: np.ndarray[Any, Any], groups: "pd.Series[int]"
) -> pd.DataFrame:
    """Lay the rows of what is said side by side, in the order of `groups`, their index."""
    cells = [*pd.unique(said)]
    measured = values.shape[1] == 1 and any(map(columns.measured, filter(_is_mean, cells)))
    names = [cell if measured else f"{name}_{cell}" for cell in cells for name in values]
    parts = [values[said == cell].reindex(groups) for cell in cells]
    table: pd.DataFrame = pd.concat(parts, axis=1)
    return table.set_axis(names, axis=1)


def _tells_statistics(frame: pd.DataFrame, place: int) -> bool:
    """Return True for a column that tells rows of means from those of their spread or number."""
    column = frame.iloc[:, place]
    if columns.stands_for(frame.columns[place]) == "strategy" or not len(column):
        return False
    if not isinstance(column.iloc[0], str) or not _is_statistic(column.iloc[0].strip()):
        return False
    cells = as_text(column).unique()
    summed = any(columns.parts(cell) & (columns.MEAN | columns.SPREAD) for cell in cells)
    return summed and all(map(_is_statistic, cells)) and 0 < sum(map(_is_mean, cells)) < len(cells)


def _is_statistic(cell: str) -> bool:
    """Return True for names such as std, acc_mean, 25% of quantiles, or that of a score."""
    known = bool(columns.parts(cell) & _STATISTICS) or re.fullmatch("[0-9]+%", cell) is not None
    return known or columns.counts_runs(cell) or _is_mean(cell)


def _is_mean(cell: str) -> bool:
    return bool(columns.parts(cell) & columns.MEAN) or columns.stands_for(cell) == "accuracy"
