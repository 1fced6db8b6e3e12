"""Exports of experiment trackers: TensorBoard, Weights & Biases, MLflow and tables of metrics."""

import re
from collections.abc import Sequence
from dataclasses import replace

from palm_bayes.data import columns
from palm_bayes.data.cells import as_numbers, as_text
from palm_bayes.data.names import runs_of
from palm_bayes.data.reading import Reading
from palm_bayes.data.sheet import Series, Sheet, described
from palm_bayes.errors import DataError

_TRACKED = re.compile(r"(?:[\w.]+: )?(?P<name>.+) - (?P<metric>.+)")
_BOUND = re.compile(r".+__(MIN|MAX)")
_KEYS = {"key", "metric", "metrickey", "metricname", "measure", "tag"}


def is_tracker(sheet: Sheet, _: Reading) -> bool:
    """Return True for exports of TensorBoard and Weights & Biases."""
    names = sheet.names
    tracked = [name for name in names if _TRACKED.fullmatch(name)]
    board = {"walltime", "step", "value"}
    return {*map(columns.clean, names)} == board or len(tracked) == len(names) - 1 > 0


def tracker(sheet: Sheet, reading: Reading) -> Sheet:
    """Take an export of TensorBoard, or of Weights & Biases without its bounds."""
    names, words = sheet.names, dict(sheet.words)
    of_word = {columns.clean(name): i for i, name in enumerate(names)}
    counts = ((columns.word_of(name), i) for i, name in enumerate(names))
    words |= {word: i for word, i in counts if word in columns.COUNTS}
    words |= {"step": of_word["step"]} if "step" in of_word else {}
    if "value" in of_word:
        tag = re.search(r"run-[^/]+?-tag-(.+?)(?:\.\w+)+$", sheet.raw.file)
        value, asked = of_word["value"], "accuracy" in words  # the column, whatever the file says
        score = _chosen_metric([tag[1]], sheet, reading) if tag and not asked else names[value]
        notes = [f"a TensorBoard export: score is {score}"]
        metric = columns.metric_of(tag[1]) if tag else ""
        words = {"accuracy": value} | words
        return replace(sheet, words=words, notes=notes, metric=metric)
    tracked = {
        i: match
        for i, name in enumerate(names)
        if not _BOUND.fullmatch(name) and (match := _TRACKED.fullmatch(name))
    }
    score = _chosen_metric([match["metric"] for match in tracked.values()], sheet, reading)
    mine = {i: match["name"] for i, match in tracked.items() if match["metric"] == score}
    runs = runs_of(list(mine.values()), reading.pattern if sheet.raw.alone else None)
    series = [*map(Series, mine, runs)]
    said = f"{described(series, names)}; score is {score}"
    if any(_is_mean(sheet, i, f"{names[i]}__MIN") for i in mine):
        said += ", the mean of several runs, read as one repetition"
    metric = columns.metric_of(_last(score))
    return replace(sheet, words=words, series=series, notes=[said], metric=metric)


def _is_mean(sheet: Sheet, place: int, bound: str) -> bool:
    """Return True if the least of the runs that are grouped lies below their mean."""
    if bound not in sheet.names:
        return False
    value, least = (as_numbers(sheet.column(i)) for i in (place, sheet.names.index(bound)))
    return bool((least < value - 1e-9).any())


def _chosen_metric(metrics: Sequence[str], sheet: Sheet, reading: Reading) -> str:
    """Choose the metric that is an accuracy or, where lower is better, an error."""
    names = list(dict.fromkeys(metrics))
    asked = (reading.columns or {}).get("accuracy")
    if asked is not None or not names:
        return columns.one_of(asked or "NAME - METRIC", names, "metric", sheet.place)
    fits = _is_error if reading.lower_is_better else _is_accuracy
    found = [name for name in names if fits(name)] if len(names) > 1 else names
    found = [name for name in found if columns.clean(_last(name)) == "accuracy"] or found
    if len(found) != 1:
        choices = " or ".join(f"--column accuracy={name}" for name in found or names)
        raise DataError(f"{sheet.place}several metrics, choose one by {choices}")
    if _is_error(found[0]) and not reading.lower_is_better:
        raise DataError(f"{sheet.place}{found[0]} is an error: read it with --lower-is-better")
    return found[0]


def _is_accuracy(metric: str) -> bool:
    return "accuracy" in map(columns.word_of, (metric, _last(metric)))


def _is_error(metric: str) -> bool:
    return bool(columns.parts(metric) & {"error", "err", "loss"}) or columns.is_error(_last(metric))


def _last(metric: str) -> str:
    return metric.rsplit("/", 1)[-1]


def is_values(sheet: Sheet, _: Reading) -> bool:
    """Return True for columns of names and of values of metrics, as MLflow writes them."""
    names = [*map(columns.clean, sheet.names)]
    return names.count("value") == 1 and sum(name in _KEYS for name in names) == 1


def values(sheet: Sheet, reading: Reading) -> Sheet:
    """Keep the rows of the metric that is an accuracy."""
    names = [*map(columns.clean, sheet.names)]
    key = next((i for i, name in enumerate(names) if name in _KEYS), None)
    if key is None or "value" not in names:
        raise columns.missing(["accuracy"], sheet.names, sheet.place)
    metrics = as_text(sheet.column(key))
    score = _chosen_metric([*metrics], sheet, reading)
    rows = sheet.raw.frame[(metrics == score).to_numpy()]
    raw = replace(sheet.raw, frame=rows.drop(columns=rows.columns[key]))
    names.pop(key)
    mine = {word: i - (i > key) for word, i in sheet.words.items()}
    words = columns.positions([*raw.frame.columns], mine, sheet.place) | {
        "accuracy": names.index("value")
    }
    if "step" in names and not {*columns.COUNTS} & {*words}:
        words["step"] = names.index("step")
    metric = columns.metric_of(_last(score))
    return replace(sheet, raw=raw, words=words, notes=[f"score is {score}"], metric=metric)
