"""Findings of stop rules and their combination: ``|`` means any rule, ``&`` all rules.

The verdict of a rule is stop, continue or, if the fit is unreliable, unknown. Three-valued logic
combines them (Kleene, *Introduction to Metamathematics*, 1952, § 64).
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from palm_bayes.decisions.projection import Outlook
from palm_bayes.errors import DataError

VERDICTS: dict[bool | None, Literal["stop", "continue", "cannot say"]] = {
    True: "stop", False: "continue", None: "cannot say",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Finding of one rule.

    Attributes
    ----------
    rule : str
        The rule in words.
    stop : bool or None
        True if the rule says stop; None if it cannot say.
    reason : str
        Reason, with numbers.
    change : str
        Change that would reverse the finding.
    if_wrong : str
        Consequence if the finding is wrong.
    probability : float or None
        Probability of the rule's condition.
    needed : float or None
        Required probability.
    loss : float or None
        Expected loss relative to knowing the truth: of the score, in the user's own scale, or a
        cost for `NetValue`.
    value : float or None
        Expected net value of the best number of further episodes; for `NetValue` only.
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
        """Verdict of the rule in words."""
        return VERDICTS[self.stop]


class Rule(ABC):
    """Stop rule, single or combined by ``|`` (any) and ``&`` (all)."""

    def __or__(self, other: "Rule") -> "AnyOf":
        return AnyOf((self, other))

    def __and__(self, other: "Rule") -> "AllOf":
        return AllOf((self, other))

    @abstractmethod
    def leaves(self) -> "tuple[SingleRule, ...]":
        """Return the single rules in it."""

    @abstractmethod
    def verdict(self, findings: "dict[SingleRule, Finding]") -> bool | None:
        """Return whether to stop by the findings of the single rules; None if unknown."""

    @abstractmethod
    def limit(self) -> float:
        """Return the labels that no run may exceed."""


def stop_rule(value: Any) -> Rule:
    """Return a value that is a stop rule; `DataError` for all else."""
    if not isinstance(value, Rule):
        raise DataError(f"rule is {value!r}, but must be a stop rule, such as Target(0.93)")
    return value


@dataclass(frozen=True)
class SingleRule(Rule):
    """Single stop rule."""

    def leaves(self) -> "tuple[SingleRule, ...]":
        """Return itself."""
        return (self,)

    def verdict(self, findings: "dict[SingleRule, Finding]") -> bool | None:
        """Return whether to stop, as found."""
        return findings[self].stop

    def horizon(self, now: float) -> float | None:
        """Return the labels up to which a forecast is needed; None if the rule needs no fit."""
        return now

    def limit(self) -> float:
        """Return the labels that no run may exceed."""
        return math.inf

    @abstractmethod
    def words(self, outlook: Outlook) -> str:
        """Return the condition to stop in words, accuracies in the scale of the outlook."""

    @abstractmethod
    def find(self, outlook: Outlook) -> Finding:
        """Judge an outlook; `DataError` if the rule does not fit its scale."""


@dataclass(frozen=True)
class _Several(Rule):
    """Rules that are combined."""

    rules: tuple[Rule, ...]
    settles: ClassVar[bool]  # a verdict of one rule that is the verdict of all

    def __post_init__(self) -> None:
        for rule in self.rules:
            stop_rule(rule)

    def leaves(self) -> tuple[SingleRule, ...]:
        """Return the single rules in it."""
        return tuple(dict.fromkeys(leaf for rule in self.rules for leaf in rule.leaves()))

    def verdict(self, findings: dict[SingleRule, Finding]) -> bool | None:
        """Return whether to stop; None if this depends on a rule that cannot say."""
        verdicts = {rule.verdict(findings) for rule in self.rules}
        if self.settles in verdicts:
            return self.settles
        return None if None in verdicts else not self.settles

    def limit(self) -> float:
        """Return the labels that no run may exceed."""
        limits = [rule.limit() for rule in self.rules]
        return min(limits) if self.settles else max(limits)


@dataclass(frozen=True)
class AnyOf(_Several):
    """Rule that stops if any of its rules does."""

    settles: ClassVar[bool] = True


@dataclass(frozen=True)
class AllOf(_Several):
    """Rule that stops if all of its rules do."""

    settles: ClassVar[bool] = False
