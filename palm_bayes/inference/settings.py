"""Settings of the sampler; without PyMC, which is slow to import."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from palm_bayes.errors import DataError, known, require_inside, whole

if TYPE_CHECKING:
    from palm_bayes.model.priors import Priors

SamplerName = Literal["nutpie", "pymc", "numpyro"]
Progress = Callable[[str, str, float], None]
"""Callback with (stage, strategy, fraction done).

The stage is "compile", "sample" or "retry" of a strategy, or a sentence about the whole.
"""

APART_DRAWS = 200
"""Least number of draws for the evidence of a region."""


def silent(*_: object) -> None:
    """Report no progress."""


def seed_from(seed: int, name: str, *more: int) -> int:
    """Derive a seed that depends on a name, so that others may be added or reordered."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(name.encode()), *more])
    return int(sequence.generate_state(1)[0])


def told(progress: Callable[..., None] | None) -> Callable[..., None]:
    """Return a callback, by default `silent`; `DataError` for what cannot be called, as True."""
    if progress is not None and not callable(progress):
        raise DataError(f"progress is {progress!r}, but must be a function")
    return silent if progress is None else progress


@dataclass(frozen=True)
class Settings:
    """Settings of the sampler.

    Attributes
    ----------
    draws, tune : int
        Numbers of kept and of warm-up draws per chain. Samplers other than nutpie, which do not
        start from a normal approximation, need more warm-up: 500 is usual.
    chains : int
        At least 2: whether they agree is a criterion of convergence.
    target_accept : float
        Target mean acceptance probability, below 1; higher values give smaller steps.
    sampler : {"nutpie", "pymc", "numpyro"}
    seed : int
        Together with the name of a strategy it determines that strategy's draws.
    cores : int, optional
        Number of chains run in parallel; by default the number of cores. With "pymc" they are
        processes: a script needs ``if __name__ == "__main__":``, or ``cores=1``.
    batches : int
        Most batches of draws for a strategy; see `palm_bayes.inference.nuts.sample_strategy`.
    """

    draws: int = 1000
    tune: int = 100
    chains: int = 4
    target_accept: float = 0.9
    sampler: SamplerName = "nutpie"
    seed: int = 0
    cores: int | None = None
    batches: int = 8

    def __post_init__(self) -> None:
        known([self.sampler], get_args(SamplerName), "sampler")
        if self.sampler == "numpyro" and find_spec("numpyro") is None:
            raise DataError("NumPyro is not installed: pip install 'palm-bayes[numpyro]'")
        counts = {"draws": 4, "tune": 1, "chains": 2, "seed": 0, "batches": 1}
        if self.cores is not None:
            counts["cores"] = 1  # nutpie would wait forever for none
        # Numbers of NumPy become Python's, which JSON takes.
        for name, least in counts.items():
            object.__setattr__(self, name, whole(getattr(self, name), name, least))
        require_inside(self.target_accept, "target_accept")
        object.__setattr__(self, "target_accept", float(self.target_accept))

    def suit(self, priors: "Priors") -> None:
        """Raise `DataError` if these priors need more draws."""
        if priors.apart and self.chains * self.draws < APART_DRAWS:
            raise DataError(
                f"chains * draws is {self.chains * self.draws}, but must be at least {APART_DRAWS} "
                "with priors that are sampled region by region, such as 'bounds'"
            )

    def careful(self) -> "Settings":
        """Return settings of smaller steps, with enough warm-up to adapt to them."""
        accepted = max(0.99, 1 - (1 - self.target_accept) / 5)
        return replace(self, tune=max(300, self.tune), target_accept=accepted)


OF_SWEEPS = Settings(draws=500)
"""Default settings of a sweep: fewer draws, since each cell is one of many."""
