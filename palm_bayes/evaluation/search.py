"""Searches for the hyperparameters that make later accuracies of past curves likeliest."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from palm_bayes.arrays import Floats
from palm_bayes.evaluation.held_out import FittedTask
from palm_bayes.model.learned import Learned, LogNormal
from palm_bayes.model.misfit import MOST, Misfit

COMMONS = tuple(np.linspace(0, 0.9, 10).round(1).tolist())
"""Candidate values of the misfit's common share."""

_RADII = {"initial_tr_radius": 0.3, "final_tr_radius": 0.1}  # of a search, in logarithms
_AWAY = 0.4  # change of the logarithms where a search without a source starts
_WORTHWHILE = 5e-4  # least gain in log density for which the search starts again
_PRIOR_SD = 0.5  # of a hyperparameter's logarithm around its start; a task is one observation
_MISFIT_NAMES = tuple(field.name for field in fields(Misfit) if field.name != "common")
_PRIOR_NAMES = ("alpha_start", "beta")


def as_point(learned: Learned) -> Floats:
    """Return the logarithms of all hyperparameters except the common share; all are positive."""
    of_misfit = [getattr(learned.misfit, name) for name in _MISFIT_NAMES]
    of_priors = [number for name in _PRIOR_NAMES for number in getattr(learned, name)]
    return np.log([*of_misfit, *of_priors])


def from_point(point: Floats, like: Learned) -> Learned:
    """Invert `as_point`; numbers of the misfit beyond their limits are set to these."""
    numbers = [float(number) for number in np.exp(point)]
    of_misfit = len(_MISFIT_NAMES)
    numbers[:of_misfit] = [
        min(number, MOST.get(name, number))
        for name, number in zip(_MISFIT_NAMES, numbers[:of_misfit], strict=True)
    ]
    misfit = replace(like.misfit, **dict(zip(_MISFIT_NAMES, numbers[:of_misfit], strict=True)))
    pairs = zip(numbers[of_misfit::2], numbers[of_misfit + 1 :: 2], strict=True)
    alpha_start, beta = (LogNormal(*pair) for pair in pairs)
    return replace(like, misfit=misfit, alpha_start=alpha_start, beta=beta)


def likeliest(
    tasks: Sequence[FittedTask],
    start: Learned,
    sampled: Learned,
    tries: int,
    tell: Callable[[int], None] | None = None,
) -> Learned:
    """Maximise the density of later accuracies over hyperparameters in at most `tries` steps.

    A prior keeps those near their start that few tasks determine. The density is rough, since few
    draws make up that of an accuracy with little noise. A search to a small radius would end at a
    bump nearby, so it ends at a large one and starts again from there while that pays.
    """
    begun, steps = as_point(start), count(1)

    def loss(point: Floats) -> float:
        if tell is not None:
            tell(next(steps))
        of_prior = float(((point - begun) ** 2).sum()) / (2 * _PRIOR_SD**2 * len(tasks))
        return of_prior - score(tasks, from_point(point, start), sampled)

    point, before = begun, np.inf
    while tries > 2 * len(point) + 1:  # fewer do not make up a quadratic model
        found = minimize(loss, point, method="COBYQA", options={"maxfev": tries, **_RADII})
        point, tries = found.x, tries - found.nfev
        if found.fun > before - _WORTHWHILE:
            break
        before = found.fun
    return from_point(point, start)


def score(tasks: Sequence[FittedTask], learned: Learned, sampled: Learned) -> float:
    """Compute the mean log density of later accuracies."""
    return float(np.concatenate([task.scores(learned, sampled) for task in tasks]).mean())


def common_share(tasks: Sequence[FittedTask], learned: Learned, sampled: Learned) -> float:
    """Choose the common share that makes orders likeliest; unchanged if there are none."""
    scores = [task.orders(learned, sampled, COMMONS) for task in tasks if len(task.laters) > 1]
    informative = np.array([row for row in scores if np.isfinite(row).all()])
    if not len(informative):
        return learned.misfit.common
    return float(COMMONS[int(informative.mean(axis=0).argmax())])


def away_from(learned: Learned) -> Learned:
    """Move all hyperparameters except the common share up or down, by `_AWAY`."""
    point = as_point(learned)
    step = np.where(np.random.default_rng(1).random(len(point)) < 0.5, -_AWAY, _AWAY)
    return from_point(point + step, learned)


@dataclass(frozen=True, eq=False)
class Search:
    """Search for the likeliest hyperparameters, whose result is kept if fits are in files.

    Attributes
    ----------
    start : Learned
        Where it begins.
    sampled : Learned
        Priors of the fits.
    tries : int
        Most steps.
    fitted : callable
        Returns the fit of a key, None if nothing came later.
    """

    start: Learned
    sampled: Learned
    tries: int
    fitted: Callable[[Any], FittedTask | None]

    def __call__(
        self, keys: Sequence[str | Path], tell: Callable[[int], None] | None = None
    ) -> Learned:
        """Search with the fits of these keys: files, or names of fits that are not kept.

        `tell` is called with the number of each step.
        """
        kept = self._kept(keys)
        if kept is not None and kept.is_file():
            return Learned.read(kept)
        tasks = [task for key in keys if (task := self.fitted(key)) is not None]
        found = likeliest(tasks, self.start, self.sampled, self.tries, tell)
        if kept is not None:
            found.write(kept)
        return found

    def _kept(self, keys: Sequence[str | Path]) -> Path | None:
        """Return the file of the result; names of the fits' files tell their content."""
        first = keys[0]
        if not isinstance(first, Path):
            return None
        numbers = [(of.alpha_start, of.beta, of.misfit) for of in (self.start, self.sampled)]
        what = repr(([Path(key).name for key in keys], numbers, self.tries))
        return first.with_name(f"search-{hashlib.sha256(what.encode()).hexdigest()[:16]}.json")
