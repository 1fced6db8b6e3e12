"""Names of folders, files and columns, read as strategy and repetition."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from palm_bayes.errors import DataError, listed
from palm_bayes.reading.columns import COLUMNS, ERRORS, clean, without_summary

Y_FILE, X_FILE = "plot_episode_yvalues.npy", "plot_episode_xvalues.npy"
"""Files in each of PALM's folders."""

UNNAMED = "strategy"
"""What one strategy is called where only a file such as results.csv would name it."""
FIELDS = ("strategy", "repetition", "dataset", "model", "source")
# Of random_seed1, random is the strategy.
_RUNS = ["version"] + [name for name in COLUMNS["repetition"] if not name.startswith("random")]
_RUN = "|".join(name.replace(" ", "[ _-]?") for name in _RUNS)
_NUMBER = r"(?<![0-9]\.)(?P<repetition>[0-9]+)"  # not that of lr0.01
_WAYS = (
    rf"(?:{_RUN})[\W_]*{_NUMBER}[\W_]+(?P<strategy>.+)(?P<rest>)",
    rf"(?P<strategy>.+?)[\W_]+(?:(?:{_RUN})[\W_]*|s){_NUMBER}(?P<rest>\W*)",
    rf"(?P<strategy>.+?)[\W_]+(?:{_RUN})[\W_]*{_NUMBER}(?P<rest>[\W_]+.+)",
    rf"(?P<strategy>.+?)[\W_]+{_NUMBER}(?P<rest>\W*)",
)
# Of 1_margin and margin_r1, if other names have the same strategies and other numbers.
_OF_SEVERAL = (
    re.compile(r"[rs]?(?P<repetition>[0-9]+)[\W_]+(?P<strategy>[^\W\d_].*)", re.IGNORECASE),
    re.compile(r"(?P<strategy>.+?)[\W_]+r(?P<repetition>[0-9]+)\W*", re.IGNORECASE),
)
_DATE = re.compile(  # and time
    r"20[0-9]{2}([-_.]?)(?:0[1-9]|1[0-2])\1(?:[0-2][0-9]|3[01])(?![0-9])"
    r"(?:[-_T ]+[0-9]{2}([-_:.]?)[0-9]{2}(?:\2[0-9]{2})?(?![0-9]))?"
)
TENSORBOARD = re.compile(r"run-(.+?)-tag-(.+)")


class NoMatchError(DataError):
    """Names that do not fit a pattern."""


_NUMBERED = {
    clean(measure + run) for measure in ("", *COLUMNS["accuracy"], *ERRORS) for run in ("", *_RUNS)
} | {"r", "s"}

_BEFORE_NUMBERS = {
    clean(name) for word in ("accuracy", "labels", "episode") for name in COLUMNS[word]
} | {""}


def repetition_of(name: str) -> str | None:
    """Return the repetition that a name such as seed_1, run 2, acc_3 or 4 stands for, or None."""
    match = re.fullmatch(r"(.*?)([0-9]+)[^\w%]*", name)  # 25% is a quantile
    return match[2] if match and clean(match[1]) in _NUMBERED else None


def split(name: str) -> tuple[str, str | None]:
    """Read a name such as margin_seed1 as strategy and repetition, None where it has none."""
    return split_all([name])[0]


def split_all(names: Sequence[str]) -> list[tuple[str, str | None]]:
    """Read names as strategies and repetitions; what all have after these is left out.

    `NoMatchError` if dates may be repetitions, or if what follows these differs in every name.
    """
    bare = [_bare(name) for name in names]
    found = [_match(name) for name in bare]
    if not any(found) and (several := _of_several(bare)):
        return several
    rests = [re.sub(r"^\W*$", "", match["rest"]) if match else "" for match in found]
    more = len({*rests}) > 1
    runs: list[tuple[str, str | None]] = []
    for one, match, rest in zip(bare, found, rests, strict=True):
        # Of ('margin', 1), as JSON has keys of pandas, the strategy is margin.
        name = match["strategy"].strip("_-/ ").removeprefix("('") + rest * more if match else one
        runs.append((name, match["repetition"] if match else None))
    dates = {match[0]: name for name in names if (match := _DATE.search(name))}
    if len(dates) > 1 and not all(found):
        raise _unclear(names, next(iter(dates.values())))
    if more and len({strategy for strategy, _ in runs}) == len(runs):
        raise _unclear(names, next(name for name, rest in zip(bare, rests, strict=True) if rest))
    return runs


def _of_several(names: Sequence[str]) -> list[tuple[str, str | None]]:
    """Read names such as 1_margin, 2_margin, or margin_r1, margin_r2; empty for others.

    Numbers after r that are not one after the other, as of r18 and r50, may be those of models.
    """
    for way in _OF_SEVERAL:
        matches = [match for match in map(way.fullmatch, names) if match]
        runs = {(match["strategy"], match["repetition"]): None for match in matches}
        if len({strategy for strategy, _ in runs}) < len(runs) == len(names):
            numbers = sorted({int(number) for _, number in runs})
            if way is _OF_SEVERAL[0] or numbers[-1] - numbers[0] < len(numbers):
                return [*runs]
    return []


def _unclear(names: Sequence[str], like: str) -> NoMatchError:
    return NoMatchError(
        f"names of runs have dates or parts that differ ({listed(names)}): say which part is the "
        f"repetition by --pattern '{pattern_of(like)}' or the like"
    )


def pattern_of(name: str) -> str:
    """Return a pattern that reads names such as margin_seed1_lr0.01 or margin-2024-05-01."""
    if match := _DATE.search(name):
        before, year, after = name[: match.start()], match[0][:4], name[match.end() :]
        head = before.rstrip("_- ")
        between, rest = before[len(head) :] + year + match[1], after[:1]
    elif match := _match(name):
        between, rest = name[match.end("strategy") : match.start("repetition")], match["rest"][:1]
    else:
        return "{strategy}"
    return f"{{strategy}}{between}{{repetition}}{rest}{'*' * bool(rest)}"


def _bare(name: str) -> str:
    """Return the name without a date, and without what TensorBoard writes around it."""
    match = TENSORBOARD.fullmatch(name)
    name = match[1] if match else name
    return (_DATE.search(name) and _DATE.sub("", name).strip("_- ")) or name


def _match(name: str) -> re.Match[str] | None:
    matches = (re.fullmatch(way, name, re.IGNORECASE) for way in _WAYS)
    return next((match for match in matches if match), None)


def as_runs(runs: Sequence[tuple[str, str | None]]) -> list[dict[str, str]]:
    """Return strategy and repetition of each run by word, without those that no name has."""
    numbered = any(number for _, number in runs)
    pairs = [{"strategy": name, "repetition": number or "1" * numbered} for name, number in runs]
    return [{word: name for word, name in pair.items() if name} for pair in pairs]


def runs_of(names: Sequence[str], pattern: str | None) -> list[dict[str, str]]:
    """Read names of columns as repetitions, as strategies, or as both."""
    if pattern is not None:
        return by_pattern(names, pattern)
    numbers = [repetition_of(name) for name in names]
    if all(numbers):
        return as_runs([("", number) for number in numbers])
    runs = split_all(names)
    for i, (strategy, number) in enumerate(runs):
        if number is None and names.count(names[i]) > 1:  # columns of one name
            runs[i] = strategy, str(names[: i + 1].count(names[i]))
    return as_runs(runs)


def number_at_end(name: str, *, errors: bool = False) -> tuple[str, str] | None:
    """Split acc@200, round_3, 1,000 labels or 10% into the words and the number, else None.

    What a name says of means, as in 20_std, does not matter. With `errors` also error_200 is split.
    """
    before = _BEFORE_NUMBERS | ({clean(name) for name in ERRORS} if errors else set())
    for one in (name.replace(",", ""), without_summary(name.replace(",", ""))):
        match = re.fullmatch(r"(.*?)[\W_]*?([0-9]+(?:\.[0-9]+)?%?)(?: *labels)?", one)
        if match and clean(match[1]) in before:
            return clean(match[1]), match[2]
    return None


def fitting(names: Sequence[str], pattern: str) -> list[str]:
    """Return the names that a pattern fits."""
    by_pattern([], pattern)
    return [name for name in names if re.fullmatch(_expression(pattern), name)]


def by_pattern(names: Sequence[str], pattern: str) -> list[dict[str, str]]:
    """Read names by a pattern such as ``{strategy}_{repetition}``; ``*`` is anything.

    `DataError` if the pattern has unknown fields or none, `NoMatchError` if it does not match.
    """
    asked = re.findall(r"\{(\w*)\}", pattern)
    if bad := sorted({*asked} - {*FIELDS}) or [one for one, n in Counter(asked).items() if n > 1]:
        raise DataError(f"pattern {pattern!r} has {{{bad[0]}}}: allowed are {listed(FIELDS)}, once")
    if not asked:
        raise DataError(f"pattern {pattern!r} has no field: allowed are {{{'}, {'.join(FIELDS)}}}")
    matches = [re.fullmatch(_expression(pattern), name) for name in names]
    if others := [name for name, match in zip(names, matches, strict=True) if match is None]:
        raise NoMatchError(f"pattern {pattern!r} does not match {listed(others)}")
    return [match.groupdict() for match in matches if match]


def _expression(pattern: str) -> str:
    # A strategy takes as much as it can, so that random_ff_1 is repetition 1 of random_ff.
    means = {f"{{{field}}}": f"(?P<{field}>[^/]+{'?' * (field != 'strategy')})" for field in FIELDS}
    means["*"] = "[^/]*"
    parts = re.split(r"(\{\w+\}|\*)", pattern.removesuffix("/"))
    return "(?:.*/)?" + "".join(means.get(part) or re.escape(part) for part in parts)


def palm_splits(name: str) -> list[tuple[str, str]]:
    """List all splits of PALM's folder names into strategy and repetition, last number first."""
    parts = name.split("_")
    numbers = [i for i in range(len(parts) - 1, 0, -1) if re.fullmatch("[0-9]+", parts[i])]
    return [("_".join(parts[:i]), "_".join(parts[i:])) for i in numbers] or [(name, "1")]


def palm_discovered(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Read PALM's folder names as (strategy, repetition).

    A repetition starts at the last part that is a number: random_ff_byol_b50_1 is repetition 1,
    margin_1_seed42 is repetition 1_seed42, margin_10_2 is repetition 2 of margin_10. One part
    earlier where only that makes groups: of margin_1_42 and margin_2_43, which share neither
    their beginning nor their last number, both are repetitions of margin.
    """
    splits = {name: palm_splits(name) for name in names}
    sizes = Counter(ways[0][0] for ways in splits.values())
    families = defaultdict(list)
    for name, ways in splits.items():
        if len(ways) > 1:
            families[ways[1][0]].append(name)
    read = {name: ways[0] for name, ways in splits.items()}
    for family in families.values():
        single = all(sizes[splits[name][0][0]] == 1 for name in family)
        ends = {splits[name][0][1].split("_")[0] for name in family}
        if len(family) > 1 and single and len(ends) == len(family):
            read |= {name: splits[name][1] for name in family}
    return read
