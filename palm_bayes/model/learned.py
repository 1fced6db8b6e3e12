"""Hyperparameters learned from past curves: default prior and misfit, stored as a file.

The package ships ``prior.json``, which also documents its training data;
`palm_bayes.evaluation.learn` writes others.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

from palm_bayes.errors import DataError, listed, real
from palm_bayes.files import as_path, put_text
from palm_bayes.model.misfit import Misfit

BEYOND = 1e9
"""Stand-in for an unlimited distance in `Held.times`, since JSON has no infinity."""


class LogNormal(NamedTuple):
    """A log-normal prior: its median, and the standard deviation of its logarithm."""

    median: float
    width: float


class Held(NamedTuple):
    """Coverage of 80 % bands on held-out sources, at distances above those of the previous one."""

    times: float  # largest distance, in multiples of the labels seen
    forecasts: int  # number of forecasts of means over repetitions
    share: float  # of them inside the band, in [0, 1]


@dataclass(frozen=True)
class Learned:
    """Hyperparameters learned from past curves.

    Attributes
    ----------
    alpha_start, beta : LogNormal
        Parts of the default prior, see `palm_bayes.model.priors.Priors`.
    misfit : Misfit
    held : tuple of Held
        Coverage by forecast distance; empty if the curves come from one source.
    about : dict
        Training data: command, cells of each source, date, number of fits.
    """

    alpha_start: LogNormal
    beta: LogNormal
    misfit: Misfit
    held: tuple[Held, ...] = field(default=(), compare=False)
    about: dict[str, Any] = field(default_factory=dict, compare=False)

    def document(self) -> dict[str, Any]:
        """Return all values as a dictionary for JSON."""
        return {
            "about": self.about,
            "priors": {"alpha_start": self.alpha_start._asdict(), "beta": self.beta._asdict()},
            "misfit": asdict(self.misfit),
            "held": [row._asdict() for row in self.held],
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Create an instance from a `document`; `DataError` if it lacks or has odd numbers."""
        parts = {part: document["priors"][part] for part in ("alpha_start", "beta")}
        pairs = [LogNormal(**_numbers(LogNormal._fields, *part)) for part in parts.items()]
        for part, pair in zip(parts, pairs, strict=True):
            for name, value in pair._asdict().items():
                if not 0 < value < math.inf:
                    raise DataError(f"{name} of {part} is {value:g}, but must be above 0")
        names = [each.name for each in fields(Misfit)]
        misfit = Misfit(**_numbers(names, "the misfit", document["misfit"]))
        held = [Held(**_numbers(Held._fields, "held", row)) for row in document["held"]]
        ends = [0.0, *(row.times for row in held)]
        if not all(low < high for low, high in pairwise(ends)):
            raise DataError("times of held do not increase")
        for row in held:
            if not (0 <= row.share <= 1 and row.forecasts > 0):
                raise DataError(f"held has the share {row.share:g} of {row.forecasts:g} forecasts")
        alpha_start, beta = pairs
        return cls(alpha_start, beta, misfit, tuple(held), dict(document["about"]))

    def write(self, path: str | Path) -> Path:
        """Write a JSON file, completely or not at all."""
        file = as_path(path, "path")
        put_text(file, json.dumps(self.document(), indent=2) + "\n")
        return file

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file written by `write`.

        Raises
        ------
        DataError
            If the file does not exist or has another content.
        """
        file = as_path(path, "path")
        try:
            return cls.of(json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        except LookupError as error:
            raise DataError(f"{path} does not hold a learned prior (it lacks {error})") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise DataError(f"{path} does not hold a learned prior ({error})") from error

    def held_at(self, times: float) -> Held | None:
        """Return the coverage of forecasts at `times` times the labels seen."""
        return next((row for row in self.held if times <= row.times), None)


def _numbers(names: Iterable[str], what: str, part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a document, if it has exactly these names, with numbers."""
    wanted = list(names)
    for told, odd in (
        ("lacks", set(wanted) - set(part)),
        ("does not have", set(part) - set(wanted)),
    ):
        if odd:
            raise DataError(f"{what} {told} {listed(sorted(odd))}: is the file of another version?")
    for name, value in part.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise DataError(f"{name} of {what} is {value!r}, but must be a number")
        real(value, f"{name} of {what}")
    return part


@lru_cache(maxsize=1)
def shipped() -> Learned:
    """Return the hyperparameters shipped with the package."""
    text = files("palm_bayes.model").joinpath("prior.json").read_text(encoding="utf-8")
    return Learned.of(json.loads(text))


def learned_from(prior: "Learned | str | Path | None") -> Learned:
    """Return learned hyperparameters: as given, read from a file, or by default as shipped."""
    if prior is None:
        return shipped()
    return prior if isinstance(prior, Learned) else Learned.read(prior)


def learned_start(prior: "Learned | str | Path | None") -> Learned:
    """Return hyperparameters, as `learned_from`, to start learning from.

    Raises
    ------
    DataError
        If one is 0 or infinite: learning moves their logarithms, except that of the common share.
    """
    found = learned_from(prior)
    numbers = {f"{name} of the misfit": value for name, value in asdict(found.misfit).items()}
    del numbers["common of the misfit"]
    for part in ("alpha_start", "beta"):
        pair = getattr(found, part)._asdict()
        numbers |= {f"{name} of {part}": value for name, value in pair.items()}
    for name, value in numbers.items():
        if not 0 < value < math.inf:
            raise DataError(
                f"the prior to start from has {name} {value:g}, but learning needs a finite number "
                "above 0, whose logarithm it can move"
            )
    return found


def prior_name(prior: "Learned | str | Path | None") -> str:
    """Return how a saved fit names its hyperparameters: by path, "own", or "" for the shipped."""
    return "own" if isinstance(prior, Learned) else str(prior or "")
