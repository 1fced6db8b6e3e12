"""Names of columns: which words they stand for, and which of them the user chose."""

import re
from collections.abc import Container, Hashable, Sequence

from palm_bayes.data.limits import UNBOUNDED
from palm_bayes.errors import DataError, listed


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


COLUMNS = {
    "strategy": _names("""
        strategy, method, query strategy, query method, acquisition, acquisition function,
        sampler, sampling strategy, sampling method, al strategy, al method, selection strategy,
        heuristic, algorithm, acq fn, acquisition fn, qs
    """),
    "accuracy": _names("""
        accuracy, score, acc, test accuracy, test acc, test score, accuracies, val accuracy,
        val acc, validation accuracy, valid acc, eval accuracy, eval acc, top1, top 1 accuracy,
        balanced accuracy, f1, f1 score, f1 macro, macro f1, f1 micro, micro f1, f1 weighted,
        weighted f1, test f1, val f1, auc, roc auc, auroc, test auc, map, miou, mean iou, iou,
        dice, r2, auprc, test accuracies, accs, accuracy history, acc history, performance,
        performance history, accuracy score, test scores, balanced acc, test f1 score,
        test balanced accuracy
    """),
    "labels": _names("""
        labels, cumulative budget, n labels, budget, num labels, labeled, n labeled, num labeled,
        labels used, number of labels, label count, labeled samples, labeled count, train samples,
        num train samples, train sizes, num labeled samples, n labeled samples, train size,
        training size, train set size, training set size, n train, num train, n samples,
        num samples, samples, n annotated, annotations, labeled size, training points,
        num training points, training samples, labeled points, num labeled points,
        labeled set size, labeled pool size, total labels, total labeled, cumulative labels,
        num annotations, n annotations
    """),
    "share": _names("""
        fraction labeled, labeled fraction, label fraction, share labeled, labeled share,
        labeled ratio, label ratio, percent labeled, pct labeled, labeled percent, labeled pct,
        labeled percentage, percentage labeled, label percentage, budget fraction, budget percent,
        percent data, percent of data, data percent, data fraction, fraction of data,
        percent of labels
    """),
    "episode": _names("""
        episode, round, iteration, cycle, al round, al iteration, al cycle, al step, query round,
        iter, query number
    """),
    "repetition": _names("""
        repetition, rep, repeat, replicate, run, run id, seed, random seed, random state, trial,
        trial id, fold, fold id, seed id, repetition id, run number, run idx, rng seed
    """),
    "source": _names("source"),
    "dataset": _names("dataset, dataset name"),
    "model": _names("model, architecture, arch, backbone, network, model name"),
}
"""Accepted names of columns, by word. Case, blanks, punctuation and labelled do not matter."""

COUNTS = frozenset({"labels", "share", "episode"})
"""Words for columns that count labels or episodes."""

REMAINING = _names("""
    pool, pool size, n pool, pool left, left in pool, remaining, n remaining, remaining pool,
    pool remaining, remaining labels, remaining samples, labels left, samples left, n left,
    unlabeled, n unlabeled, num unlabeled, unlabeled pool, unlabeled samples, unlabeled size,
    unlabeled pool size, num unlabeled samples, budget left, remaining budget, budget remaining
""")
"""Names of columns that count what is not labelled yet."""

YIELDING = frozenset(COLUMNS["accuracy"][7:])
"""Other measures, which yield to a column called accuracy in full."""

ERRORS = _names("""
    error, error rate, err, test error, test err, test error rate, val error, val err,
    validation error, classification error, misclassification rate, loss, test loss, val loss,
    validation loss
""")
"""Names of columns where lower is better."""

MEAN = frozenset({"mean", "avg", "average"})
DEVIATION = frozenset({"std", "sd", "stddev", "stdev", "deviation", "sigma"})
ERROR_OF_MEAN = frozenset({"sem", "stderr", "se"})
VARIANCE = frozenset({"var", "variance"})
SPREAD = DEVIATION | ERROR_OF_MEAN | VARIANCE | {"ci", "lower", "upper", "iqr"}
BOUND = r"lo|low|hi|high|min|max|range|err|error|±|[qp][0-9]+"
ERROR = frozenset({"error", "err"})
"""Parts of names of means and of their spread; an error is one beside a mean, as is a bound."""
COUNT = frozenset({"n", "count", "size"})
"""Parts of names that, beside means and their spread, tell of how many runs the means are."""
_OF_MEANS = MEAN | DEVIATION | ERROR_OF_MEAN | VARIANCE | ERROR | COUNT | {"standard", "dev", "of"}
SUMMARIES = MEAN | SPREAD | {"all", "median", "min", "max"}
"""Names of rows or columns that sum repetitions up, beside these."""
SPLITS = frozenset({"train", "training", "test", "val", "valid", "validation"})
"""Parts of names that tell on which data a score was measured."""
_NAMED = "f1|auc|balanced|auprc|iou|map|dice|r2"  # scores that are called by their names
_GROUPS = frozenset(
    {"metrics", "metric", "params", "tags", "config", "summary", "eval", "test", "val"}
)
_OTHER = frozenset(
    {"loss", "time", "precision", "recall", "duration", "epoch", "lr", "timestamp"}
    | {"elapsed", "runtime", "seconds"}
)


def clean(name: Hashable) -> str:
    """Reduce a name to what is compared: small letters and digits, % as percent."""
    text = str(name).lower().replace("%", "percent ").replace("labelled", "labeled")
    return re.sub(r"[^0-9a-z]+", "", text)


_ERRORS = {clean(name) for name in ERRORS}
_REMAINING = {clean(name) for name in REMAINING}
_WORDS = {clean(name): word for word, names in COLUMNS.items() for name in names}


def word_of(name: Hashable) -> str | None:
    """Return the word that a name stands for, or None; units in brackets do not matter."""
    of_spread = spread_kind(str(name)) in {"sd", "se", "var"} and not parts(name) & MEAN
    word = _WORDS.get(clean(name)) or (None if of_spread else _WORDS.get(clean(_bare(name))))
    return "share" if word == "labels" and "%" in str(name) else word


def metric_of(name: str) -> str:
    """Return the name of the score in a column's name; empty for an accuracy or a plain score."""
    name = without_mean(name)
    usual = stands_for(name) == "accuracy" and not re.search(_NAMED, clean(name))
    return "" if usual or clean(name) in MEAN else name


def error_among(columns: Sequence[str], place: str) -> dict[str, str]:
    """Choose the column of an error rate or loss; empty if there is none."""
    found = [name for name in columns if is_error(name)]
    if len(found) > 1:
        choices = " or ".join(f"--column accuracy={name}" for name in found)
        raise DataError(f"{place}columns {listed(found)} all are errors: choose by {choices}")
    return {"accuracy": found[0]} if found else {}


def is_error(name: Hashable) -> bool:
    """Return True for the name of an error rate or loss; units in brackets do not matter."""
    return bool({*map(clean, (name, _bare(name), _last_of_group(name)))} & _ERRORS)


def seems_error(name: Hashable) -> bool:
    """Return True for an error by its name or by a part of it, as test_loss_total or ECE."""
    part = parts(name) & (ERROR | UNBOUNDED | {"ece", "brier"})
    return is_error(name) or (bool(part) and not parts(name) & {"acc", "accuracy"})


def refuse_error(name: str | None, place: str, *, lower_is_better: bool) -> None:
    """Refuse an error as a score of which higher is better."""
    if name is not None and seems_error(name) and not lower_is_better:
        how = "read it with --lower-is-better, or rename it if higher is better"
        raise DataError(f"{place}{name} is an error: {how}")


def is_remaining(name: Hashable) -> bool:
    """Return True for the name of a count of what is not labelled yet."""
    return bool({clean(name), clean(_bare(name))} & _REMAINING)


def in_percent(name: Hashable) -> bool:
    """Return True for a name with a mark of percent, unlike "random 10%", which counts."""
    text = re.sub(r"\d\s*%", "", str(name).lower())
    return "%" in text or bool(parts(text) & {"percent", "percentage", "pct"})


def _bare(name: Hashable) -> str:
    return re.sub(r"\(.*\)|\[.*\]|%", "", str(name))


def word_of_last(name: Hashable) -> str | None:
    """Return the word that the last part of a name stands for, or None."""
    return word_of(_last_of_group(name))


def _last_of_group(name: Hashable) -> str:
    """Return the last part of a name such as metrics.acc or config/seed; empty for others."""
    first, *others = re.split(r"[./]", str(name))
    return others[-1] if others and clean(first) in _GROUPS else ""


def stands_for(name: Hashable) -> str | None:
    """Return the word of a name or of its last part, or None."""
    return word_of(name) or word_of_last(name)


def parts(name: Hashable) -> set[str]:
    """Return the parts of a name that are words, in small letters."""
    return set(re.split(r"[^a-z]+", str(name).lower().replace("labelled", "labeled")))


HINTS = {
    word: {name for name in names if name.isalpha() and name not in {"run", "samples", "top"}}
    for word, names in COLUMNS.items()
}
HINTS["share"] = {"fraction", "share", "ratio", "proportion", "percent", "percentage", "pct"}
"""Names of one word, which hint at what a column of another name stands for."""


def is_other_measure(name: Hashable) -> bool:
    """Return True for names of what is measured beside accuracies, such as a loss."""
    return bool(parts(name) & (_OTHER | MEAN | SPREAD | ERROR))


def bound_of(name: str, others: Container[str]) -> bool:
    """Return True for names such as margin_lo where margin is among `others`, or for acc_max."""
    match = re.fullmatch(rf"(.+?)[\W_]+(?:{BOUND})\W*", name, re.IGNORECASE)
    return match is not None and (clean(match[1]) in others or stands_for(match[1]) == "accuracy")


_MANY = "seeds|runs|repetitions|reps|repeats|replicates|trials|folds"


def counts_runs(name: str) -> bool:
    """Return True for a column that says of how many runs accuracies are means, such as n_seeds."""
    return re.fullmatch(rf"((n|num|number|count)(of)?)?({_MANY})|meanof", clean(name)) is not None


def spread_kind(name: str) -> str:
    """Return what a column has of means: sd, var, se, ? (sd or se), or nothing."""
    words = parts(name)
    if words & ERROR_OF_MEAN or {"standard", "error"} <= words:
        return "se"
    if words & DEVIATION and not re.search(r"std\W*_?err", name.lower()):  # of an error, perhaps
        return "sd"
    if words & VARIANCE:
        return "var"
    return "?" if words & (ERROR | DEVIATION) or "±" in name else ""


def measured(name: str) -> str:
    """Return what a column has the mean, the spread or the count of: margin of "margin (std)"."""
    name = re.sub(rf"\bn *= *[0-9]+|\b[0-9]+ *({_MANY})\b", "", name.lower())  # std (5 seeds)
    words = re.split(r"[\W_]+", name)
    return "".join(word for word in words if word not in _OF_MEANS)


def without_mean(name: str) -> str:
    """Return the name of what a column has the mean of: margin of "margin (mean)"."""
    word = rf"(?<![a-z])({'|'.join(MEAN)})(?![a-z])"
    return re.sub(rf"[\W_]*{word}[\W_]*", "", name, flags=re.IGNORECASE) or name


def without_summary(name: str) -> str:
    """Return a name without words of means, their spread and number: acc@20 of acc@20_std."""
    words, mark = "|".join(_OF_MEANS), r"(?:[^\w%]|_)*"
    return re.sub(rf"{mark}(?<![a-z])({words})(?![a-z]){mark}", "_", name.lower()).strip("_")


def is_index(name: Hashable) -> bool:
    """Return True for a column that a table's writer left without a name."""
    return clean(name) in {"", "index"} or re.fullmatch(r"Unnamed: \d+", str(name)) is not None
