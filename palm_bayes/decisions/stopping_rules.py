"""Stop rules: small frozen objects, fixed before data are collected.

`palm_bayes.decisions.rule_logic` combines them by ``|`` and ``&``.
Values are in the scale of the data; labels are cumulative labels of one run.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palm_bayes.arrays import Floats
from palm_bayes.data.score import parsed
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.rule_logic import Finding, SingleRule
from palm_bayes.display import amount, exact_percent, percent
from palm_bayes.errors import DataError, number, real, require_inside


@dataclass(frozen=True)
class Target(SingleRule):
    """Rule to stop once the expected accuracy has reached a target with some probability.

    Attributes
    ----------
    accuracy : float or str
        In the data's own scale, or percent as "93%".
    probability : float
    """

    accuracy: float | str
    probability: float = 0.8

    def __post_init__(self) -> None:
        _check(accuracy=parsed(self.accuracy, "accuracy")[0])
        require_inside(self.probability, "probability")

    def words(self, outlook: Outlook) -> str:
        """Return the condition to stop in words."""
        goal = outlook.score.asked(self.accuracy)
        return f"{goal} is reached with a probability of at least {exact_percent(self.probability)}"

    def find(self, outlook: Outlook) -> Finding:
        """Judge the present accuracy."""
        score = outlook.score
        target = score.goal(self.accuracy)
        present = outlook.draws[:, 0]
        reached = float((present >= target).mean())
        stop = reached >= self.probability
        missing = float(np.maximum(target - present, 0).mean())
        if stop:
            top = score.shown(np.quantile(present, 1 - self.probability))
            change = f"Would change with a target {score.better} {top}."
            wrong = f"the {score.metric} stays {score.worse} the target, by "
            wrong += f"{score.shown_size(missing)} on average."
        else:
            change = self._when(outlook, target)
            wrong = f"{outlook.next_batch:,.0f} labels are spent on a target already reached."
        return Finding(
            self.words(outlook), stop,
            f"the probability that {score.asked(self.accuracy)} is reached is "
            f"{percent(reached)} ({exact_percent(self.probability)} required)",
            change, wrong, reached, self.probability,
            float(score.sizes(missing)) if stop else None,
        )  # fmt: skip

    def _when(self, outlook: Outlook, target: float) -> str:
        enough = (outlook.draws >= target).mean(axis=0) >= self.probability
        if not enough.any():
            last = f"{outlook.last:,.0f}"
            return f"No number of labels up to {last} would change it, by this forecast."
        return f"Would change with {outlook.labels[enough.argmax()]:,.0f} labels, by this forecast."


@dataclass(frozen=True)
class Plateau(SingleRule):
    """Rule to stop once the next labels are likely to gain little.

    Attributes
    ----------
    gain : float or str
        Gains below this are little; in the data's own scale, or points as "1%".
    labels : float
        Number of further labels considered.
    probability : float
    """

    gain: float | str
    labels: float
    probability: float = 0.8

    def __post_init__(self) -> None:
        _check(gain=parsed(self.gain, "gain")[0], labels=self.labels)
        require_inside(self.probability, "probability")

    def words(self, outlook: Outlook) -> str:
        """Return the condition to stop in words."""
        gains = f"{number(self.labels)} more labels gain less than {self._gain_in_words(outlook)}"
        return f"{gains} with a probability of at least {exact_percent(self.probability)}"

    def _gain_in_words(self, outlook: Outlook) -> str:
        size = outlook.score.difference(self.gain, "the gain")
        return f"{size:g}" + " points" * outlook.score.percent

    def horizon(self, now: float) -> float:
        """Return the labels up to which a forecast is needed."""
        return now + self.labels

    def find(self, outlook: Outlook) -> Finding:
        """Judge the gain by the next labels."""
        size, little = outlook.score.shown_size, outlook.score.gain(self.gain, "the gain")
        ahead = min(self.horizon(outlook.now), outlook.last)
        gain = outlook.accuracy_at(ahead) - outlook.draws[:, 0]
        flat = float((gain < little).mean())
        stop = flat >= self.probability
        forgone = float(np.maximum(gain, 0).mean())
        edge = size(float(np.quantile(gain, self.probability))).removeprefix("<")
        much = self._gain_in_words(outlook)
        if stop:
            wrong = f"the gain is lost, {size(forgone)} on average."
        else:
            wrong = f"{outlook.next_batch:,.0f} labels are spent on less than {much}."
        return Finding(
            self.words(outlook), stop,
            f"the probability that {ahead - outlook.now:,.0f} more labels gain less than {much} is "
            f"{percent(flat)} ({exact_percent(self.probability)} required)",
            f"Would change with a gain threshold {'below' if stop else 'above'} {edge}.",
            wrong, flat, self.probability,
            float(outlook.score.sizes(forgone)) if stop else None,
        )  # fmt: skip


@dataclass(frozen=True)
class Unreachable(SingleRule):
    """Rule to stop, or switch, once a target is unlikely to be reached within a budget.

    Attributes
    ----------
    accuracy : float or str
        In the data's own scale, or percent as "93%".
    budget : float
        Cumulative labels of one run.
    probability : float
        Threshold: stop if the probability of reaching the target is below it.
    """

    accuracy: float | str
    budget: float
    probability: float = 0.05

    def __post_init__(self) -> None:
        _check(accuracy=parsed(self.accuracy, "accuracy")[0], budget=self.budget)
        require_inside(self.probability, "probability")

    def words(self, outlook: Outlook) -> str:
        """Return the condition to stop in words."""
        return self._condition(outlook, self.budget)

    def _condition(self, outlook: Outlook, within: float) -> str:
        goal = outlook.score.asked(self.accuracy)
        what = f"{goal} is reached within {number(within)} labels"
        return f"{what} with a probability below {exact_percent(self.probability)}"

    def horizon(self, now: float) -> float:
        """Return the labels up to which a forecast is needed."""
        return max(now, self.budget)

    def within(self, outlook: Outlook) -> float:
        """Return the labels available: the budget, or less if other rules limit it; those spent."""
        return max(min(self.budget, outlook.last), outlook.now)

    def find(self, outlook: Outlook) -> Finding:
        """Judge whether the target can still be reached."""
        score, within = outlook.score, self.within(outlook)
        best = outlook.best_until(within)
        reachable = float((best >= score.goal(self.accuracy)).mean())
        stop = reachable < self.probability
        edge = score.shown(np.quantile(best, 1 - self.probability))
        over = self.budget < within  # the labels spent are more than the budget
        spent = f", of which {number(self.budget)} were the budget," * over
        if stop:
            wrong = "a reachable target is given up."
        else:
            left = within - outlook.now
            wrong = f"up to {left:,.0f} labels are spent on a target that is not reached."
        return Finding(
            self._condition(outlook, min(within, self.budget)), stop,
            f"the probability that {score.asked(self.accuracy)} is reached within {within:,.0f} "
            f"labels{spent} is {percent(reachable)} "
            f"(given up below {exact_percent(self.probability)})",
            f"Would change with a target {score.worse if stop else score.better} {edge}.",
            wrong, reachable, self.probability,
        )  # fmt: skip


@dataclass(frozen=True)
class NetValue(SingleRule):
    """Rule to stop if no number of further episodes is expected to be worth its cost.

    All numbers are considered: if the next batch alone does not pay but five do, it continues.

    Attributes
    ----------
    label_cost : float
        Cost of one label of one run.
    point_value : float
        Value of one point of the score, 0.01 as a fraction, in the same currency.
    episode_cost : float
        Cost of training and waiting per episode.
    """

    label_cost: float
    point_value: float
    episode_cost: float = 0.0

    def __post_init__(self) -> None:
        for name in ("label_cost", "point_value", "episode_cost"):
            if not 0 <= real(getattr(self, name), name) < math.inf:
                raise DataError(f"{name} is {getattr(self, name):g}, but must be at least 0")
        if self.point_value == 0:
            raise DataError("point_value is 0, but must be above 0")

    def words(self, outlook: Outlook) -> str:
        """Return the condition to stop in words."""
        costs = f"{self.label_cost:g} per label"
        costs += f", {self.episode_cost:g} per episode" if self.episode_cost else ""
        point = f"{outlook.score.point} is worth {self.point_value:g}"
        return f"no further episode is worth its cost ({costs}; {point})"

    def horizon(self, now: float) -> float:  # noqa: ARG002 - the others need it
        """Return an infinite horizon: all labels that budget and pool allow."""
        return math.inf

    def costs(self, outlook: Outlook) -> Floats:
        """Compute the cost of continuing to each episode, dims (episode,)."""
        labels = outlook.labels - outlook.now
        return np.asarray(self.label_cost * labels + self.episode_cost * outlook.episodes)

    def net(self, outlook: Outlook) -> Floats:
        """Compute the net value of continuing to each episode, dims (draw, episode)."""
        gain = outlook.draws - outlook.draws[:, :1]
        return np.asarray(100 * self.point_value * gain - self.costs(outlook))

    def find(self, outlook: Outlook) -> Finding:
        """Judge the best number of further episodes."""
        net = self.net(outlook)
        expected = net.mean(axis=0)
        if len(expected) == 1:
            return Finding(self.words(outlook), True, "no further episode is possible")
        best = 1 + int(expected[1:].argmax())
        value, stop = float(expected[best]), bool(expected[best] <= 0)
        count = int(outlook.episodes[best])
        loss = float(net.max(axis=1).mean() - max(value, 0.0))
        lost = amount(loss) if loss > 0 else "nothing"
        edge = " or more" if best == len(expected) - 1 and not stop else ""
        more = f"{count:,}{edge} further episode{'s' if count > 1 or edge else ''}"
        best_is = f"the best is {more}, to {outlook.labels[best]:,.0f} labels, with an expected "
        best_is += f"net value of {amount(value)}"
        none = f"no number of further episodes is worth its cost: {best_is}"
        return Finding(
            self.words(outlook), stop, none if stop else best_is, self._change(outlook),
            f"{lost} is lost on average, relative to knowing the curve.",
            float((net[:, best] > 0).mean()), None, loss, value, count,
        )  # fmt: skip

    def _change(self, outlook: Outlook) -> str:
        gain = 100 * (outlook.draws - outlook.draws[:, :1]).mean(axis=0)[1:]
        with np.errstate(divide="ignore"):
            worth = np.where(gain > 0, self.costs(outlook)[1:] / gain, np.inf).min()
        if not np.isfinite(worth):
            return "Nothing would change it: no further gain is expected."
        if worth == 0:
            return "Nothing would change it: further labels cost nothing."
        way = "more" if self.point_value <= worth else "less"
        return f"Would change with {outlook.score.point} worth {way} than {amount(worth)}."


@dataclass(frozen=True)
class Budget(SingleRule):
    """Rule to stop once the available labels are spent.

    Attributes
    ----------
    labels : float
        Cumulative labels of one run.
    """

    labels: float
    what: ClassVar[str] = "budget"
    done: ClassVar[str] = "spent"

    def __post_init__(self) -> None:
        _check(**{self.what: self.labels})

    def words(self, outlook: Outlook) -> str:  # noqa: ARG002 - the others need it
        """Return the condition to stop in words."""
        return f"the {self.what} of {self.labels:,.12g} labels is {self.done}"

    def horizon(self, now: float) -> None:
        """Return None: no fit is needed."""

    def limit(self) -> float:
        """Return the labels that no run may exceed."""
        return self.labels

    def find(self, outlook: Outlook) -> Finding:
        """Judge the labels spent."""
        left, spent = self.labels - outlook.now, self.words(outlook)
        if left <= 0:
            return Finding(spent, True, spent, f"Would change with a larger {self.what}.")
        return Finding(
            spent, False, f"{left:,.0f} labels of the {self.what} are left",
            f"Would change with a {self.what} of at most {outlook.now:,.0f} labels.",
        )  # fmt: skip


@dataclass(frozen=True)
class Pool(Budget):
    """Rule to stop once no sample is left to label.

    Attributes
    ----------
    labels : float
        Size of the pool, labelled samples included.
    """

    what: ClassVar[str] = "pool"
    done: ClassVar[str] = "labelled"


def _check(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0 < real(value, name) < math.inf:
            raise DataError(f"{name} is {value:g}, but must be above 0")
