"""Choice of a table's columns, by the user and by their names; errors that offer the choices."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from palm_bayes.errors import DataError, known, listed
from palm_bayes.reading.columns import (
    COLUMNS,
    HINTS,
    YIELDING,
    clean,
    is_error,
    parts,
    seems_error,
    stands_for,
    word_of,
    word_of_last,
)


def one_of(name: str, names: Sequence[str], what: str, place: str) -> str:
    """Return `name` if it is among `names`; else raise `DataError` with similar names."""
    try:
        return known([name], names, what)[0]
    except DataError as error:
        raise DataError(f"{place}{error}") from None


def chosen_positions(
    given: Mapping[str, str] | None, columns: Sequence[Any], place: str
) -> dict[str, int]:
    """Return the positions of the columns that the user chose, by word."""
    names = [str(column) for column in columns]
    places = {}
    for word, name in (given or {}).items():
        if word not in COLUMNS:
            raise DataError(f"{word!r} is no role of a column; roles are {listed(COLUMNS, 20)}")
        one_of(name, names, "column", place)
        if names.count(name) > 1:
            raise DataError(f"{place}{names.count(name)} columns are called {name}: rename them")
        places[word] = names.index(name)
    return places


def positions(columns: Sequence[Any], mine: Mapping[str, int], place: str) -> dict[str, int]:
    """Return the position of the column of each word; the user's choices come first.

    `DataError`, with the choices, if several columns stand for one word.
    """
    chosen, names = dict(mine), [*map(clean, columns)]
    strong = {clean(name) for name in COLUMNS["accuracy"] if name not in YIELDING}
    runs = [name for i, name in enumerate(names) if stands_for(columns[i]) == "repetition"]
    ids = {"runid"} if any("seed" in name for name in runs) else set()  # seeds pair strategies
    for of in (word_of, word_of_last):
        found: dict[str, list[int]] = {}
        for i, name in enumerate(names):
            if name not in ids and i not in chosen.values() and (word := of(columns[i])):
                found.setdefault(word, []).append(i)
        for word in [word for word in found if word not in chosen]:
            full = any(names[i] == "accuracy" for i in found[word])
            places = [i for i in found[word] if names[i] in strong or not full]
            if len(places) > 1:
                said = [str(columns[i]) for i in places]
                choices = " or ".join(f"--column {word}={name}" for name in dict.fromkeys(said))
                raise DataError(
                    f"{place}columns {listed(said)} all stand for {word}: keep one, or choose by "
                    f"{choices} (in Python, columns={{{word!r}: {said[0]!r}}})"
                )
            chosen[word] = places[0]
    return chosen


def _choice(choice: str) -> str:
    """Return the option that chooses a column, with the one that it needs."""
    word, name = choice.split("=", 1)
    needed = " --lower-is-better" * (word == "accuracy" and seems_error(name))
    return f"--column {choice}{needed}{' --pool N' * (word == 'share')}"


def several(what: str, word: str, names: Iterable[str], place: str) -> DataError:
    """Return the error of several columns or metrics for one word, which offers each."""
    offered = " or ".join(f"--column {word}={name}" for name in names)
    return DataError(f"{place}several {what}, choose one by {offered}")


def missing(
    words: Sequence[str], columns: Sequence[Any], place: str, likely: Sequence[str] = ()
) -> DataError:
    """Return the error of a table that lacks a column for any of `words`.

    Offered are the columns whose names have a part in common, else those `likely` to be it.
    """
    accepted = ", ".join(listed(COLUMNS[word], 5) for word in words)
    there = [str(column) or "''" for column in columns]
    meant = (*words, *(["share"] if "labels" in words else []))
    near = [f"{word}={name}" for word in meant for name in there if parts(name) & HINTS[word]]
    offered = near or [
        f"{word}={name}" for name in [*filter(None, likely)] or ["NAME"] for word in words
    ]
    choices = " or ".join(map(_choice, offered[: 2 * len(words) + 1]))
    errors = any(is_error(name) or is_error(name.rstrip("0123456789_-. ")) for name in there)
    how = "; errors are read with --lower-is-better" * ("accuracy" in words and errors)
    return DataError(
        f"{place}no column for {' or '.join(words)}: found {listed(there)}; accepted are "
        f"{accepted}; choose one by {choices}{how}"
    )
