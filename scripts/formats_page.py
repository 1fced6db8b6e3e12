"""Write docs/formats.md from the readers' own tables of names, layouts and kinds of files.

python scripts/formats_page.py
"""

from pathlib import Path

from palm_bayes.reading.columns import (
    COLUMNS,
    COUNT,
    DEVIATION,
    ERROR_OF_MEAN,
    ERRORS,
    VARIANCE,
    YIELDING,
)
from palm_bayes.reading.layouts import LAYOUTS
from palm_bayes.reading.tables import READERS

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"

_MEANS = {
    "strategy": "query strategy",
    "accuracy": "what the curve measures, in fractions or percent",
    "labels": "labels so far, of one run",
    "share": "labels so far, as a share or percent of the pool: needs `--pool N`",
    "episode": "labelling round",
    "repetition": "one of several runs of a strategy",
    "source": "project that the curves are from",
    "dataset": "data set",
    "model": "model",
}

_TEXT = """# What is read

All commands that take runs, and `palm_bayes.read`, `fit`, `backtest` and `learn`, read the
same forms. This page is written by `scripts/formats_page.py` from the readers' own tables;
`benchmarks/formats.py` makes every form, and prints what becomes of it.

One line says how the data were read, such as "Read: 3 repetitions from the columns seed_1,
seed_2, seed_3; score is test_acc." Where they can be read in two ways, an error lists the choices.

## Places

- A file, several files, a glob (`'results/*.csv'`), or a folder with files of one kind.
- PALM's folders, `<METHOD>_<i>/plot_episode_yvalues.npy`: the folder above, or some of its runs.
- MLflow's runs: its database, `mlflow.db`, or its folders: `mlruns`, an experiment in it, or some
  runs. Strategy and seed are those of `params` or `tags`, or of the runs' names by
  `--pattern '{{strategy}}_{{repetition}}'`. Labels are a metric or a param, such as n_labeled; else
  the step counts. Of several experiments `--column dataset=experiment --dataset NAME` reads one.
- Result folders, `<dataset>/<batch>/<strategy>/run_<i>/accuracies.csv`: name one of
  `<dataset>/<batch>`.
- In Python also a DataFrame (of pandas, Polars or PyArrow), or a dict. Its values are lists by
  column, arrays (runs x episodes) by strategy, or such dicts by strategy and repetition.

Where the tables have no such columns, strategy and repetition are those of the names of files,
sheets or keys: `margin_1.csv`, `margin/seed_2.json`, `seed_2/margin.csv`, also `margin_r1` and
`1_margin` where strategies have several of these numbers. A single strategy that nothing names but
a file such as `results.csv` is called strategy. A part after the seed that all names
share, as in `margin_seed1_lr0.01`, is ignored. Names with dates or ids, folders of several data
sets above strategies, and `train.csv` beside `test.csv` (perhaps scores of the same runs) give an
error that lists the choices.
`--pattern '{{strategy}}_{{repetition}}'` says how to read names; it may also contain `{{dataset}}`,
`{{model}}`, `{{source}}` and `*`. In a single table it reads the names of columns, and leaves out
columns that do not match. With `--column strategy=Name --pattern '{{strategy}}_seed{{repetition}}'`
it reads the names in the column of strategies.

## Files

{files}

Texts are in UTF-8, or in UTF-16 or UTF-32 with its mark; columns are separated by commas,
semicolons, tabs, bars or blanks. Lines above the header that begin with # are left out. Numbers may
have decimal commas, and marks between thousands; they are refused where 1,000 may be either. Tables
of numbers without a header, and arrays of `.npy`, are runs x episodes or the reverse, perhaps with
a first row or column of labels or episodes. In JSON, records may contain lists, and settings that
tell strategy, seed and task; the labels may stand once, above all runs. A single run in a text may
have gaps. Keys that are numbers may be labels: then `--layout across`.
Pickles are never read, since reading them can run code. Excel needs a package that reads it, such
as openpyxl; each sheet is a table, and sheets without numbers are left out.

## Layouts

{layouts}

`--layout NAME` asks for one.

## Columns

{columns}

Small and capital letters, blanks and punctuation do not matter: `Test Acc.` is `test_acc`; labelled
is labeled. Names in italics yield to a column called accuracy. `--column accuracy=test_acc`
chooses; in Python, `columns={{"accuracy": "test_acc"}}`. A column that stays the same from round to
round, such as the size of the pool, is not read as labels. Columns such as seed and fold are joined
if only both together identify the repetitions.

Columns that may be several measures (`acc_train, acc_test`), or that are named alike after others
(`margin_ssl, random_ssl` beside `margin, random`), give an error that lists the choices; `--pattern
'{{strategy}}_acc'` keeps those of one measure. Among measures in header rows `--column accuracy=f1`
chooses. The size of the rest of the pool (`pool_left, n_unlabeled`) is not read as a strategy.
Strategies may be called variance or std if a column, a header row or the repetitions show that they
are strategies. Otherwise such columns are read as variances or deviations, unless `--pattern
'{{strategy}}_{{repetition}}'` is given.

With `--lower-is-better` columns of these names are preferred as the score: {errors}.
Without it an error that is chosen by `--column accuracy=NAME` is refused.

If there are no labels, shares or episodes, a column without a name takes their place, and in
exports of trackers the step. It counts episodes if it is 0, 1, 2 ... or 1, 2, 3 ..., else labels. A
column without a name that may number the rows of several runs, or rows that were filtered, is
refused; the error names columns that grow. A step of 0, 391, 782 ... or 9, 19, 29 ... is refused as
well, since it counts batches or epochs, and so is one that no two runs share: `--column
labels=Step` takes it as labels, `--column episode=Step` its order within each run. A metric such as
n_labeled beside the accuracies of each run of Weights & Biases is its labels. Where its runs are
grouped, each mean is read as one repetition of unknown noise, since minimum and maximum (`__MIN`,
`__MAX`) do not determine it.

If a file has none of these columns, its rows are episodes. If most rows have no accuracy, since it
was measured at every k-th label, the rows are labels; an index of 0, 1, 2 ..., of which 19, 39,
59 ... were measured, is then counted from 1.

## Scores

A score lies between 0 and 1, or between 0 and 100 percent, and rises towards its best value; with
`--lower-is-better` it falls. Cells such as 53.8% are percent, and so are values above 1. Where only
a column's name says percent, and no value is above 1, `--percent` or `--fraction` tells.
`--metric NAME` names it in tables, figures and sentences. By default it has the
name of its column, such as f1_macro, unless that holds accuracies.
[Other scores](how-to/other-scores.md) says what to do with scores outside this range.

## Rows

- Rows at 0 labels are left out.
- Rows without accuracy are left out: the run is shorter, or has a gap. A note names runs and
  strategies without any accuracy, and runs that lack rows which most others have.
- Means and deviations beside repetitions (`seed_1, seed_2, mean`) are left out.
- Means with bounds, or quantiles alone (`margin_lo`) are refused: they do not tell the
  noise. The means can be fitted as one repetition each, by `--column accuracy=NAME` or, of several
  strategies side by side, `--layout wide`.

## Means with known noise

If a table has means over repetitions, a strategy is fitted as one curve of means; its repetition is
called mean. The noise is known from standard errors, or from standard deviations and the number of
repetitions. Forecasts of a repetition are then forecasts of a mean over as many. These are read:

- a column of standard deviations ({deviations}), variances ({variances}) or standard errors
  ({errors_of_means}, standard_error): beside the accuracies or a column called mean, beside each
  strategy (`margin_mean, margin_std`) or each budget (`acc@20, acc@20_std`), or in a second header
  row below it, or in rows of their own, where another column says mean, std, n ...;
- a column of the number of repetitions (n_seeds, num_runs ..., and {counts}, but these only where
  another column counts labels or episodes);
- cells of both: `0.54 ± 0.02`, `0.54 (0.02)`, `$0.54_{{\\pm 0.02}}$`, with the kind in the column's
  name (`accuracy (mean ± sem)`) or said.

`--spread 'sd of 5'` (in Python, `spread="sd of 5"`) says that the spread is standard deviations of
five repetitions; `--spread se` or `'se of 5'`, standard errors. If neither table nor option says
so, an error asks for it. `--spread none` fits each mean as one repetition of unknown noise. An
error may be 0 or missing in some episodes, such as those that a single repetition reached. `learn`
and `pilot` need the repetitions themselves."""


def page() -> str:
    """Return the page."""
    kinds: dict[str, list[str]] = {}
    for suffix, (kind, _) in READERS.items():
        kinds.setdefault(kind, []).append(f"`{suffix}`")
    files = [(kind[0].upper() + kind[1:], ", ".join(names)) for kind, names in kinds.items()]
    columns = [
        (f"`{word}`", _MEANS[word], ", ".join(_shown(word, name) for name in names))
        for word, names in COLUMNS.items()
    ]
    layouts = [(f"`{name}`", one.says) for name, one in LAYOUTS.items()]
    return _TEXT.format(
        files=_table(("kind", "names end in"), files),
        layouts=_table(("layout", "what"), layouts),
        errors=", ".join(ERRORS),
        deviations=", ".join(sorted(DEVIATION)),
        variances=", ".join(sorted(VARIANCE)),
        errors_of_means=", ".join(sorted(ERROR_OF_MEAN)),
        counts=", ".join(sorted(COUNT)),
        columns=_table(("word", "what", "names"), columns),
    )


def _shown(word: str, name: str) -> str:
    return f"*{name}*" if word == "accuracy" and name in YIELDING else name


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
