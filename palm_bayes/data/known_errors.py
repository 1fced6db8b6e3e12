"""Standard errors of means, checked and as fractions, in the table of `Runs`."""

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_numbers
from palm_bayes.data.scales import RUN, reject
from palm_bayes.data.score import Score
from palm_bayes.errors import plural

STANDARD_ERROR, MEAN_OF = "standard_error", "mean_of"
"""Columns of runs that are means of repetitions: standard errors, and numbers of repetitions."""
_MOST = 0.5  # of the scale: no mean of fractions has a larger standard error


def errors_to_fractions(table: pd.DataFrame, score: Score, notes: list[str]) -> list[str]:
    """Convert standard errors to fractions, in place; return the columns that tell of means.

    Each run needs two above 0; others may be missing, as where only one repetition went on, or be 0
    by rounding. A note says that they are taken as known noise.
    """
    if STANDARD_ERROR not in table:
        return []
    table[MEAN_OF] = as_numbers(table[MEAN_OF]) if MEAN_OF in table else np.nan
    given = table[STANDARD_ERROR]
    values = table[STANDARD_ERROR] = as_numbers(given) / score.unit
    cells = table.assign(cell=given)
    bad = ~values.between(0, _MOST) & values.notna()
    message = f"the standard error is {{cell}}, but must be from 0 to {_MOST * score.unit:g}"
    reject(cells, bad, message)
    known = (values > 0).groupby([table[key] for key in RUN]).transform("sum") > 1
    message = "needed are two standard errors above 0: --spread none fits means as one repetition"
    reject(cells, ~known, message)
    notes.append(_told(table, score))
    return [STANDARD_ERROR, MEAN_OF]


def _told(table: pd.DataFrame, score: Score) -> str:
    """Say that each strategy is one curve of means with known noise."""
    errors = table.loc[table[STANDARD_ERROR] > 0, STANDARD_ERROR]
    counts = table[MEAN_OF].dropna().astype(int)
    of = f"{plural(counts, 'repetition', 'repetitions')}" if len(counts) else "repetitions"
    ends = dict.fromkeys(f"{score.sizes(end):.2g}" for end in (errors.min(), errors.max()))
    return (
        f"{score.title} values are means of {of} with standard errors of {' to '.join(ends)}: each "
        "strategy is fitted as one curve whose noise is known from them, and forecasts of new or "
        "continuing repetitions are of such means."
    )
