"""What stop rules find, and how their verdicts are combined: ``|`` is any of them, ``&`` all.

A rule says stop, go on, or, where the fit cannot be relied on, neither. Three-valued logic tells
whether the others settle it all the same (Kleene, *Introduction to Metamathematics*, 1952, § 64).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from palm_bayes.decisions.projection import Outlook


@dataclass(frozen=True)
class Finding:
    """What one rule finds.

    Attributes
    ----------
    rule : str
        The rule in words.
    stop : bool or None
        Whether it says stop; None where it cannot say.
    reason : str
        Why, with the numbers.
    change : str
        What would change it.
    if_wrong : str
        What it costs if that is wrong.
    probability : float or None
        Of what the rule asks about.
    needed : float or None
        The probability it asks for.
    loss : float or None
        Expected loss beside knowing the truth: of accuracy, a fraction; of `NetValue`, a cost.
    value : float or None
        Expected net value of the best number of further episodes; of `NetValue` only.
    episodes : int or None
        That number.
    """

    rule: str
    stop: bool | None
    reason: str
    change: str = ""
    if_wrong: str = ""
    probability: float | None = None
    needed: float | None = None
    loss: float | None = None
    value: float | None = None
    episodes: int | None = None

    @property
    def says(self) -> str:
        """The rule's verdict in words."""
        return {True: "stop", False: "go on", None: "cannot say"}[self.stop]


class Rule(Protocol):
    """A stop rule, single or combined."""

    def leaves(self) -> "tuple[SingleRule, ...]":
        """Return the single rules in it."""

    def verdict(self, findings: "dict[SingleRule, Finding]") -> bool | None:
        """Whether to stop, by what its single rules find; None where that cannot be said."""

    def limit(self) -> float:
        """Labels that no run may pass."""


class _Combines:
    """Rules are combined by ``|`` (any) and ``&`` (all)."""

    def __or__(self: Rule, other: Rule) -> "AnyOf":
        return AnyOf((self, other))

    def __and__(self: Rule, other: Rule) -> "AllOf":
        return AllOf((self, other))


@dataclass(frozen=True)
class SingleRule(_Combines, ABC):
    """A rule by itself."""

    def leaves(self) -> "tuple[SingleRule, ...]":
        """Return itself."""
        return (self,)

    def verdict(self, findings: "dict[SingleRule, Finding]") -> bool | None:
        """Whether to stop, as found."""
        return findings[self].stop

    def horizon(self, now: float) -> float | None:
        """Labels that the verdict looks ahead to, from those spent; None if it needs no fit."""
        return now

    def limit(self) -> float:
        """Labels that no run may pass."""
        return math.inf

    @abstractmethod
    def words(self) -> str:
        """Return the rule in words."""

    @abstractmethod
    def find(self, outlook: Outlook) -> Finding:
        """Judge an outlook; `DataError` where the rule does not fit its scale."""


@dataclass(frozen=True)
class AnyOf(_Combines):
    """Stop where any of some rules says so."""

    rules: tuple[Rule, ...]

    def leaves(self) -> tuple[SingleRule, ...]:
        """Return the single rules in it."""
        return _leaves(self.rules)

    def verdict(self, findings: dict[SingleRule, Finding]) -> bool | None:
        """Whether to stop; None where that hangs on a rule that cannot say."""
        found = {rule.verdict(findings) for rule in self.rules}
        return True if True in found else None if None in found else False

    def limit(self) -> float:
        """Labels that no run may pass: any of the rules stops it there."""
        return min(rule.limit() for rule in self.rules)


@dataclass(frozen=True)
class AllOf(_Combines):
    """Stop where all of some rules say so."""

    rules: tuple[Rule, ...]

    def leaves(self) -> tuple[SingleRule, ...]:
        """Return the single rules in it."""
        return _leaves(self.rules)

    def verdict(self, findings: dict[SingleRule, Finding]) -> bool | None:
        """Whether to stop; None where that hangs on a rule that cannot say."""
        found = {rule.verdict(findings) for rule in self.rules}
        return False if False in found else None if None in found else True

    def limit(self) -> float:
        """Labels that no run may pass: only where all of the rules stop it."""
        return max(rule.limit() for rule in self.rules)


def _leaves(rules: Iterable[Rule]) -> tuple[SingleRule, ...]:
    return tuple(dict.fromkeys(leaf for rule in rules for leaf in rule.leaves()))
