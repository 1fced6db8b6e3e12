"""Where tables lie: a file, many by a glob or in a folder, a frame or a dict."""

import glob
import itertools
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from palm_bayes.data.cells import well_formed
from palm_bayes.errors import DataError, listed
from palm_bayes.reading.columns import SPLITS, is_error, word_of
from palm_bayes.reading.in_memory import Raw, flat_records, of_frame, of_mapping
from palm_bayes.reading.mlflow import mlflow_runs, table_of
from palm_bayes.reading.opening import check_names, pickled
from palm_bayes.reading.run_names import (
    TENSORBOARD,
    UNNAMED,
    Y_FILE,
    NoMatchError,
    as_runs,
    by_pattern,
    pattern_of,
    repetition_of,
    split,
    split_all,
)
from palm_bayes.reading.tables import PICKLES, READERS, read_file


@runtime_checkable
class Frame(Protocol):
    """Table of another library, such as Polars or PyArrow."""

    def to_pandas(self) -> pd.DataFrame:
        """Return it as a frame of pandas."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Return its columns, as tables do and arrays of more dims do not."""


type Source = pd.DataFrame | Frame | Mapping[str, Any] | str | Path | Sequence[Any]

_RESULT_PATH = re.compile(
    r"(?:.*/)?(?P<dataset>[^/]+)/(?P<batch>[0-9]+)/(?P<strategy>[^/]+)/run_(?P<repetition>[0-9]+)"
    r"/accuracies"
)
"""Result folders that are read without a pattern."""

_GENERIC = frozenset(
    ["results", "result", "log", "logs", "metrics", "history", "config", "train", "test", "val"]
) | frozenset(
    ["runs", "accuracy", "accuracies", "scores", "data", "output", "export", "table", "curves"]
)
"""Names of files that are no strategies."""

_SPLIT = re.compile(rf"(?<![a-z])(?:{'|'.join(SPLITS)}|eval|dev)(?![a-z])", re.IGNORECASE)
"""Parts of names of files and folders that tell on which data scores were measured."""


def raw_tables(source: Source, pattern: str | None, *, errors: bool = False) -> list[Raw]:
    """Read all tables of a place, with what their paths and keys say."""
    if isinstance(source, Frame):
        source = source.to_pandas()
    if isinstance(source, pd.DataFrame):
        return [of_frame(source)]
    if isinstance(source, Mapping):
        return _with_fields(of_mapping(source), pattern)
    if not isinstance(source, (str, Path, list, tuple)):
        kinds = "a path, paths, a DataFrame or a dict"
        raise DataError(f"the data are of type {type(source).__name__}, but must be {kinds}")
    paths = paths_of(source)
    if not paths and isinstance(source, (list, tuple)):
        return [of_frame(flat_records(source))]
    if runs := mlflow_runs(paths):
        return [table_of(runs)]
    files = [file for path in paths for file in (_in_folder(path) if path.is_dir() else [path])]
    tables = [raw for file in _one_tag(files, errors=errors) for raw in read_file(file)]
    return _with_fields(tables, pattern)


def paths_of(source: Source) -> list[Path]:
    """Return the paths that a place names; empty for data in memory."""
    if isinstance(source, (str, Path)):
        return matching([source])
    if isinstance(source, (list, tuple)) and not all(isinstance(one, Mapping) for one in source):
        return matching(source)
    return []


def home_filled(place: str | Path) -> Path:
    """Return a path with the home folder in place of ~; `DataError` if it cannot be a path."""
    if not isinstance(place, (str, os.PathLike)):
        raise DataError(
            f"a path is of type {type(place).__name__}, but must be a text; several frames are "
            "joined by pd.concat, or given as a dict by strategy"
        )
    if place == "":
        raise DataError("the path is empty: name a file or a folder, such as '.' for this one")
    try:
        path = Path(place).expanduser()
        path.exists()  # raises, if the name is too long
    except (OSError, RuntimeError) as error:
        raise DataError(f"{place} cannot be read: {error}") from error
    return path


def matching(places: Sequence[str | Path]) -> list[Path]:
    """Return the paths that are named or match a glob; `DataError` for one without a match."""
    found = []
    for place in places:
        if not (matches := matches_of(place)):
            raise DataError(f"{home_filled(place)} matches no file")
        found += matches
    return found


def matches_of(place: str | Path) -> list[Path]:
    """Return a path that is named, also if it is missing, or all paths that match a glob."""
    path = home_filled(place)
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    base = next(folder for folder in path.parents if folder.exists())  # may have brackets
    return sorted(base.glob(str(path.relative_to(base))))


def _in_folder(base: Path) -> list[Path]:
    """Return the tables of a folder: those directly in it, else those below."""
    below = sorted(file for file in base.rglob("*") if file.is_file() and suffix(file))
    direct = [file for file in below if file.parent == base]
    of_runs = all(repetition_of(_stem(file)) for file in below)  # r1 and r2, which is no R2
    measured = [file for file in below if word_of(_stem(file)) == "accuracy" and not of_runs]
    files = direct or measured or below
    if not files:
        if objects := [file for file in base.rglob("*") if file.suffix.lower() in PICKLES]:
            raise pickled(objects[0])
        odd = " (no regular file)"
        regular = {path: path.is_file() or path.is_dir() for path in sorted(base.iterdir())}
        there = listed(f"{path.name}{'' if ok else odd}" for path, ok in regular.items())
        raise DataError(
            f"{base}: no runs found, looked for <METHOD>_<i>/{Y_FILE} and files of "
            f"{listed(READERS, 20)}, there is {there or 'nothing'}"
        )
    kinds = Counter(map(suffix, files))
    stems = {_stem(file) for file in files}
    several = not direct and len(files) > len(stems) > 1 and not _one_run_each(files)
    if len(kinds) > 1 or several:
        order, names = [*READERS], Counter(file.name for file in files)
        there = listed(names)
        # The same name is in each folder of a run.
        often = max(files, key=lambda file: (names[file.name], -order.index(suffix(file))))
        above = ["*"] * (len(often.relative_to(base).parts) - 1)
        example = base / f"*{suffix(often)}" if direct else base.joinpath(*above, often.name)
        raise DataError(f"{base} holds several kinds of files ({there}): name one, as '{example}'")
    return files


def _one_run_each(files: Sequence[Path]) -> bool:
    """Return True for margin/seed_1.csv, and for seed_1/margin.csv with the same in each folder."""
    stems = [_stem(file) for file in files]
    if all(map(repetition_of, stems)):  # not acc_1 beside f1_1
        return len({re.sub("[0-9]", "", stem) for stem in stems}) == 1
    if all(split(stem)[1] and not word_of(split(stem)[0]) for stem in stems):
        return True
    of_seeds = all(repetition_of(file.parent.name) for file in files)
    grid = len({*stems}) * len({file.parent for file in files}) == len(files)
    told = any(word_of(stem) or is_error(stem) or stem.lower() in _GENERIC for stem in stems)
    return of_seeds and grid and not told and suffix(files[0]) not in {".npy", ".npz"}  # of x and y


def _one_tag(files: list[Path], *, errors: bool) -> list[Path]:
    """Keep the files of TensorBoard's one tag that is an accuracy, or an error."""
    tags = {file: match[2] for file in files if (match := TENSORBOARD.fullmatch(_stem(file)))}
    if len(tags) < len(files) or len({*tags.values()}) == 1:
        return files
    fits = is_error if errors else (lambda tag: word_of(tag) == "accuracy")
    scores = {*filter(fits, tags.values())}
    if len(scores) != 1:
        there = listed(sorted(scores or {*tags.values()}))
        raise DataError(f"files of several tags ({there}): name one by a glob, '*-tag-NAME.csv'")
    return [file for file in files if tags[file] in scores]


def suffix(file: Path) -> str:
    """Return the suffix of a table that can be read, such as ".csv.gz"; else ""."""
    return max((end for end in READERS if file.name.lower().endswith(end)), key=len, default="")


def _stem(file: Path) -> str:
    return file.name[: len(file.name) - len(suffix(file))]


def _with_fields(raws: list[Raw], pattern: str | None) -> list[Raw]:
    """Add what paths, sheets and keys say of strategy and repetition."""
    raws = [replace(raw, file=well_formed(raw.file), name=well_formed(raw.name)) for raw in raws]
    names = [_full_name(raw) for raw in raws]
    check_names("the source", (raw.name for raw in raws))
    if pattern is None:
        _refuse_splits({name: raw.file for name, raw in zip(names, raws, strict=True)})
    alone, doubt = len(raws) == 1, ""
    try:
        fields = _result_fields(names) or _unnamed(_fields_of_names(names))
    except NoMatchError as error:  # columns may tell the runs
        doubt, fields = str(error), [{} for _ in names]
    if pattern is not None:
        try:
            alone, doubt, fields = False, "", by_pattern(names, pattern)
        except NoMatchError:
            if len(raws) > 1:
                raise  # else the pattern is one of columns
    own = [{*map(word_of, raw.frame.columns)} for raw in raws]  # a column tells better
    strategies = {
        name: one["strategy"]
        for name, one, words in zip(names, fields, own, strict=True)
        if pattern is None and "strategy" in one and "strategy" not in words
    }
    told = _continued(strategies)
    return [
        replace(raw, fields=one, doubt=doubt, alone=alone, notes=(*raw.notes, *told.get(name, ())))
        for raw, name, one in zip(raws, names, fields, strict=True)
    ]


def _continued(strategies: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Note names such as margin_1_resumed beside margin_1, a run that they may continue."""
    told: dict[str, tuple[str, ...]] = {}
    for name, strategy in strategies.items():
        above, _, last = name.rpartition("/")
        for suffix_of in re.finditer(r"[\W_]+(?=[^\W\d_])", last):
            run = last[: suffix_of.start()]
            beside = strategies.get(f"{above}/{run}" if above else run, strategy)
            if beside != strategy and split(run)[1]:
                said = f"{last}, beside {run}, is strategy {strategy}: join the two if it"
                told[name] = (f"{said} continues that run",)
    return told


def _refuse_splits(file_of: Mapping[str, str]) -> None:
    """Refuse scores of the same runs on several data, such as train.csv beside test.csv."""
    above = zip(*(name.split("/")[:-1] for name in file_of), strict=False)
    shared = itertools.takewhile(lambda parts: len({*parts}) == 1, above)
    base = "".join(f"{parts[0]}/" for parts in shared)
    inside = {name.removeprefix(base): file for name, file in file_of.items()}
    splits = {name: found[-1] for name in inside if (found := _SPLIT.findall(name))}
    bare = {name: _SPLIT.sub("", name) for name in splits}
    many = Counter(bare.values())
    mixed = {name: split for name, split in splits.items() if many[bare[name]] > 1}
    if not mixed:
        return
    first = min(mixed.values(), key=lambda split: (split.lower() != "test", split))
    mine = [name for name in mixed if mixed[name] == first]
    before, below = mine[0].rsplit(first, 1)
    like = f"{before}{first}/*" if "/" in below else f"*{first}*"
    if len({*file_of.values()}) < len(file_of):  # sheets or keys
        how = f"keep those called {first}"
    else:
        how = f"name one, as '{inside[mine[0]] if len(mine) == 1 else base + like}'"
    if len({name.rpartition("/")[2] for name in mixed}) == len(mixed):
        how += ", or, if they are strategies, choose --pattern '{strategy}'"
    raise DataError(f"{listed(mixed)} may be scores of the same runs on several data: {how}")


def _full_name(raw: Raw) -> str:
    path = Path(raw.file)
    stem = (path.parent / _stem(path)).as_posix() if raw.file else ""
    return f"{stem}/{raw.name}".strip("/") if raw.name else stem


def _result_fields(names: Sequence[str]) -> list[dict[str, str]]:
    """Read ``<dataset>/<batch>/<strategy>/run_<i>/accuracies``; empty if this is not it."""
    matches = [_RESULT_PATH.fullmatch(Path(name).absolute().as_posix()) for name in names]
    if not all(matches):
        return []
    fields = [match.groupdict() for match in matches if match]
    batches = {one.pop("batch") for one in fields}
    if len(batches) > 1:
        raise DataError(
            f"runs with batches of {listed(sorted(batches, key=int))} labels: name one folder "
            "<dataset>/<batch>"
        )
    return fields


def _fields_of_names(names: Sequence[str]) -> list[dict[str, str]]:
    """Read strategy and repetition from the parts of paths that differ."""
    parts = [name.split("/") for name in names]
    if len({len(one) for one in parts}) > 1:
        parts = [one[-1:] for one in parts]
    differ = [i for i in range(len(parts[0])) if len({one[i] for one in parts}) > 1]
    unlike = ["/".join(one[i] for i in differ) or one[-1] for one in parts]
    numbers = [repetition_of(name) for name in unlike]
    if all(numbers):  # seed_1 and seed_2: the folder names the strategy
        above = next(
            (one for i, one in reversed([*enumerate(parts[0])][:-1]) if i not in differ), ""
        )
        if not re.search("[A-Za-z]", above):  # none, or a date
            above = unlike[0] if len(names) == 1 else ""
        return as_runs([(above, number) for number in numbers])
    told = [i for i in differ if not all(repetition_of(one[i]) for one in parts)]
    kinds = {tuple(split(one[i])[0] for i in told) for one in parts}
    if len(kinds) > max((len({*values}) for values in zip(*kinds, strict=True)), default=1):
        raise NoMatchError(
            f"names may tell tasks, models or strategies ({listed(unlike)}): say which by "
            f"--pattern '{_of_tree(parts[0], differ, told)}' or the like"
        )
    return as_runs(split_all(unlike))


def _unnamed(fields: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the fields without the name of one strategy that is only that of results or data."""
    names = {one.get("strategy", "").lower() for one in fields}
    unnamed = {"strategy": UNNAMED} if len(names) == 1 and names <= _GENERIC else {}
    return [{**one, **unnamed} for one in fields]


def _of_tree(parts: Sequence[str], differ: Sequence[int], told: Sequence[int]) -> str:
    """Return a pattern such as {dataset}/{strategy}/seed_{repetition}/* for parts of a path."""
    words = dict(zip(reversed(told[:-1]), ("{dataset}", "{model}", "{source}"), strict=False))
    like = ["*"] * len(parts)
    for i in differ:
        like[i] = words.get(i) or re.sub(r"[0-9]+(\W*)$", r"{repetition}\1", parts[i])
    like[told[-1]] = pattern_of(parts[told[-1]])
    return "/".join(like[min(differ) :])
