"""Columns of a wide table that may be something else than strategies and repetitions."""

import re
from collections import Counter
from collections.abc import Sequence

from palm_bayes.errors import DataError, listed
from palm_bayes.reading.columns import SPLITS, clean, stands_for
from palm_bayes.reading.run_names import repetition_of, split
from palm_bayes.reading.sheet import Sheet

_PLAIN = frozenset({"acc", "accs", "accuracy", "accuracies", "score"})
_SCORES = frozenset(
    {"f1", "r2", "auc", "roc", "auroc", "auprc", "ap", "map", "miou", "iou", "dice", "top"}
    | {"kappa", "mcc", "ece", "brier", "precision", "prec", "recall", "hit", "hits", "balanced"}
)


def measures(name: str) -> frozenset[str]:
    """Return the parts of a name that tell a measure or its data: {"test", "map@0.5"}."""
    found = re.findall(r"[a-z]+(?:@?[0-9]+(?:\.[0-9]+)?)?", name.lower())
    ours = _PLAIN | SPLITS | {"eval", "dev"} | _SCORES
    return frozenset(p for p in found if "@" in p or {p, p.rstrip(".0123456789")} & ours)


def several_measures(names: Sequence[str]) -> bool:
    """Return True for names of which some, or all, are those of different measures.

    acc_1 and acc_2 are repetitions, and margin_acc and random_acc are strategies of one measure. Of
    acc_1 and acc_5 the number may be a repetition only; of f1_1 it may be a class.
    """
    found = [measures(name) - _repeated(names) for name in names]
    if len({*found}) > 1:
        return True
    if all(map(repetition_of, names)):
        return bool(found and found[0] & _SCORES)
    letters = {re.sub("[^a-z]", "", name.lower()) for name in names}  # top-1 acc and top-5 acc
    return bool(found and found[0]) and len(letters) == 1 and not all(split(n)[1] for n in names)


def _repeated(names: Sequence[str]) -> set[str]:
    """Return what is no measure: r2 of margin_r2 beside margin_r1, which are repetitions."""
    found = [re.search(r"(?<![^\W_])r([0-9]+)(?![^\W_])", name.lower()) for name in names]
    return {"r2"} if all(found) and len({match[1] for match in found if match}) > 1 else set()


def scores(names: Sequence[str]) -> list[str]:
    """Return the names of accuracies; r2 beside r1 is a repetition, as in `_repeated`."""
    runs = [name for name in names if re.fullmatch("r[0-9]+", clean(name))]
    others = names if len(runs) < 2 else [name for name in names if name not in runs]
    return [name for name in others if stands_for(name) == "accuracy"]


def refuse_ambiguous(sheet: Sheet, names: Sequence[str]) -> None:
    """Refuse columns that may be measures or bounds, and offer the choices."""
    choices, numbered = [], all(map(repetition_of, names))
    if len(names) > 1 and several_measures(names):
        what, choices = f"{listed(names)} may be several measures", _patterns(names)
    elif "repetition" not in sheet.words and (pair := _beside(names)):
        what = f"{pair[1]} may be a strategy, or a bound of {pair[0]}"
    else:
        return
    if sheet.raw.fields or "strategy" in sheet.words:
        likely = [name for name in names if measures(name)] or names
        single = [f"--column accuracy={name}" for name in likely[:2]]
        choices = single + choices if numbered else choices + single  # the likelier first
    each = "repetition" if numbered else "strategy, of which --strategy NAME keeps some"
    if not numbered or len({*map(repetition_of, names)}) == len(names):
        choices.append(f"--layout wide, which reads each column as a {each}")
    raise DataError(f"{sheet.place}{what}: choose by {' or '.join(choices)}")


def _patterns(names: Sequence[str]) -> list[str]:
    """Return patterns that keep the columns of one measure, such as {strategy}_acc."""
    if all(map(repetition_of, names)):
        starts = dict.fromkeys(re.sub(r"[0-9]+\W*$", "", name) for name in names)
        return [f"--pattern '{start}{{repetition}}'" for start in starts if start][:2]
    ends = Counter(match[0] for name in names if (match := re.search(r"[\W_]+[^\W_]+$", name)))
    shared = [end for end, count in ends.items() if count > 1 and measures(end)]
    return [f"--pattern '{{strategy}}{end}'" for end in shared[:2]]


def _beside(names: Sequence[str]) -> tuple[str, str] | None:
    """Return a name and that of a column NAME_word beside it, or None.

    Several names have the same word: margin_ssl alone is a strategy.
    """
    there = {*names}
    begun = ((name, re.finditer(r"[\W_]+(?=[^\W0-9_])", name)) for name in names)
    pairs = [
        (start, name)
        for name, matches in begun
        for match in matches
        if (start := name[: match.start()]) in there
    ]
    words = Counter(name.removeprefix(start) for start, name in pairs)
    return next((pair for pair in pairs if words[pair[1].removeprefix(pair[0])] > 1), None)
