"""`Lesson`: hyperparameters learned from past curves, and how well they forecast other curves."""

from dataclasses import dataclass

import pandas as pd

from palm_bayes.display import Display, Displayed
from palm_bayes.errors import listed, plural
from palm_bayes.evaluation.held_out import FittedTask
from palm_bayes.model.learned import Learned


@dataclass(frozen=True, eq=False, repr=False)
class Lesson(Displayed):
    """Learned hyperparameters and their scores on held-out sources.

    Attributes
    ----------
    learned : Learned
    tasks : tuple of FittedTask
        Curves and their fits.
    without : dict of str to Learned
        By source, the result of learning from the others. Empty if there is one source.
    table : DataFrame
        Index source, as `without`: each evaluated with hyperparameters from all others. ``score``
        and ``before``, mean log density of later accuracies with these and with the initial ones;
        ``coverage_50`` to ``coverage_95`` of means over repetitions, in [0, 1].
    notes : tuple of str
        How the tables were read, and that nothing was held out if so.
    """

    learned: Learned
    tasks: tuple[FittedTask, ...]
    without: dict[str, Learned]
    table: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def numbers(self) -> pd.DataFrame:
        """Hyperparameters, one row each: number, value, and width where it is a prior's."""
        document = self.learned.document()
        rows = [{"number": name, **prior} for name, prior in document["priors"].items()]
        rows += [{"number": name, "median": value} for name, value in document["misfit"].items()]
        return pd.DataFrame(rows).rename(columns={"median": "value"})

    def _display(self) -> Display:
        fits, sources = len(self.tasks), [name for name in self.learned.about["corpus"] if name]
        words = f"learned from {plural([fits], 'fit', 'fits')} of tasks"
        words += f" from {listed(sources)}" if sources else ""
        return Display(words, self.numbers)
