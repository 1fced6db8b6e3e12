"""What was learned from past curves, as a file: numbers of the default prior and of the misfit.

The package ships one, ``prior.json``, which says from what it was learned;
`palm_bayes.evaluation.learn` makes others.
"""

import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, Self

from palm_bayes.errors import DataError
from palm_bayes.files import put
from palm_bayes.model.misfit import Misfit

BEYOND = 1e9
"""Times the labels seen: all that is farther than what is told apart. JSON has no infinity."""


class LogNormal(NamedTuple):
    """A log-normal prior: its median, and the standard deviation of its logarithm."""

    median: float
    width: float


class Held(NamedTuple):
    """How often forecasts held on sources that the numbers were not learned from.

    Attributes
    ----------
    times : float
        They look at up to so many times the labels seen, and beyond the entry before.
    forecasts : int
        How many there were, of means over repetitions.
    share : float
        Of them that came inside the 80 % band, in [0, 1].
    """

    times: float
    forecasts: int
    share: float


@dataclass(frozen=True)
class Learned:
    """Numbers learned from past curves.

    Attributes
    ----------
    alpha_start, beta : LogNormal
        Parts of the default prior, see `palm_bayes.model.priors.Priors`.
    misfit : Misfit
    held : tuple of Held
        By how far ahead was looked; empty where the curves are of one source.
    about : dict
        From what they were learned: command, cells of each source, date, number of fits.
    """

    alpha_start: LogNormal
    beta: LogNormal
    misfit: Misfit
    held: tuple[Held, ...] = field(default=(), compare=False)
    about: dict[str, Any] = field(default_factory=dict, compare=False)

    def document(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "about": self.about,
            "priors": {"alpha_start": self.alpha_start._asdict(), "beta": self.beta._asdict()},
            "misfit": asdict(self.misfit),
            "held": [row._asdict() for row in self.held],
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Inverse of `document`."""
        priors = document["priors"]
        return cls(
            LogNormal(**priors["alpha_start"]),
            LogNormal(**priors["beta"]),
            Misfit(**document["misfit"]),
            tuple(Held(**row) for row in document["held"]),
            document["about"],
        )

    def write(self, path: Path) -> Path:
        """Write them to a JSON file, whole or not at all."""
        text = json.dumps(self.document(), indent=2) + "\n"
        put(path, lambda draft: draft.write_text(text, encoding="utf-8"))
        return path

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file that `write` wrote.

        Raises
        ------
        DataError
            If it is not there, or no such file.
        """
        try:
            return cls.of(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise DataError(f"{path} is no file of a learned prior ({error})") from error

    def held_at(self, times: float) -> Held | None:
        """How often forecasts held that looked at `times` times the labels seen."""
        return next((row for row in self.held if times <= row.times), None)


@lru_cache(maxsize=1)
def shipped() -> Learned:
    """Return what the package was shipped with."""
    text = files("palm_bayes.model").joinpath("prior.json").read_text(encoding="utf-8")
    return Learned.of(json.loads(text))


def learned_from(prior: "Learned | str | Path | None") -> Learned:
    """Return what was learned: as given, from a file, or as shipped."""
    if prior is None:
        return shipped()
    return prior if isinstance(prior, Learned) else Learned.read(prior)
