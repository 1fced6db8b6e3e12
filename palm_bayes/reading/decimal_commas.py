"""Marks in numbers written as text: decimal commas, and separators of thousands."""

from typing import Any

import pandas as pd

from palm_bayes.errors import DataError
from palm_bayes.reading.columns import is_error, stands_for

_SAYS = {",": "commas", ".": "points", "decimal": "are decimal", "grouped": "separate thousands"}


def with_points(frame: pd.DataFrame, place: str) -> list[str]:
    """Write numbers with decimal points and without other marks, in place; return what they were.

    Groups of three digits are thousands or decimals, as other columns or the name tell: labels
    have no decimals, and scores no thousands. `DataError` if neither does.
    """
    words = ["accuracy" if is_error(name) else stands_for(name) for name in frame.columns]
    labels = [i for i, word in enumerate(words) if word == "labels"]
    found = {",": _kinds(frame, ",")}
    several = found[","] or "either" in _kinds(frame.iloc[:, labels], ".").values()
    found["."] = _kinds(frame, ".") if several else {}
    notes = []
    for mark, i in [(mark, i) for mark, kinds in found.items() for i in kinds]:
        kind, others = found[mark][i], found["." if mark == "," else ","].values()
        rest = {other for j, other in found[mark].items() if j != i}
        if kind == "either" and ("decimal" in others or "grouped" in rest):
            kind = "grouped"
        elif kind == "either" and words[i] == "labels" and not rest and not others:
            kind = "grouped" if mark == "," else kind
        elif mark == "." or words[i] == "accuracy" or ("decimal" in rest and words[i] != "labels"):
            kind = "decimal" if kind == "either" else kind
        if kind == "either":
            cell = next(cell for cell in frame.iloc[:, i] if mark in cell).strip()
            raise DataError(
                f"{place}: {frame.columns[i]} has {cell}, thousands or decimals? Write thousands "
                "without a mark, and decimals with a point"
            )
        if (mark, kind) != (".", "decimal"):
            plain = "." if kind == "decimal" else ""
            frame.isetitem(i, frame.iloc[:, i].str.replace(mark, plain).to_numpy())
            notes.append(f"{_SAYS[mark]} {_SAYS[kind]}")
    return list(dict.fromkeys(notes))


def _kinds(frame: pd.DataFrame, mark: str) -> dict[int, str]:
    """Return what a mark is in each column of numbers that has it, by position.

    It is "decimal", "grouped" (thousands), or "either": 1,000 may be both, and 0,538 not.
    """
    columns = ((i, frame.iloc[:, i]) for i in range(frame.shape[1]))
    return {i: kind for i, cells in columns if (kind := _kind(cells, mark))}


def _kind(cells: "pd.Series[Any]", mark: str) -> str:
    if not cells.str.contains(mark, regex=False).any():
        return ""
    numbers = cells[cells.str.contains(r"\d")]
    whole, decimal, grouped = (
        numbers.str.fullmatch(rf"\s*[+-]?{digits}[\s%]*")
        for digits in (
            r"\d+",
            rf"\d*[{mark}]\d+(?:[eE][+-]?\d+)?",
            rf"[1-9]\d{{0,2}}(?:[{mark}]\d{{3}})+",
        )
    )
    either = grouped.any() and (grouped | whole).all()
    if decimal.any() and (decimal | whole).all():
        return "either" if either else "decimal"
    return "grouped" if either else ""
