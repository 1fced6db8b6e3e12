"""`RunWriter`: the files of a run, written while its labelling loop goes on."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from palm_bayes.data.limits import check_episode
from palm_bayes.errors import DataError, known, of_type, require_flag, whole
from palm_bayes.files import as_path, make_folder, put
from palm_bayes.reading.palm_folder import read_array
from palm_bayes.reading.run_names import X_FILE, Y_FILE

type Layout = Literal["palm", "results"]


@dataclass
class RunWriter:
    """Callback of a labelling loop that writes a run in a form that is read as it is.

    ``writer(labels, accuracy)`` after every episode. Files are replaced as a whole, so that
    ``palm-bayes watch`` may read them at any time.

    Attributes
    ----------
    base : str or Path
        Folder of the task, such as ``output/CIFAR10/resnet18``.
    strategy : str
        Query strategy of the loop.
    repetition : int
        Number of the run, 1 or more.
    layout : {"palm", "results"}
        "palm" is PALM's ``<strategy>_<repetition>/plot_episode_yvalues.npy``, with the labels in
        ``plot_episode_xvalues.npy``; "results" is ``<strategy>/run_<repetition>/accuracies.csv``,
        for a `base` of ``<dataset>/<batch>``.
    resume : bool
        Add to a run of these files, such as one that crashed; by default they must not exist.

    Raises
    ------
    DataError
        If a name, the layout or an episode cannot be used, or a file exists or cannot be written.
    """

    base: str | Path
    strategy: str
    repetition: int = 1
    layout: Layout = "palm"
    resume: bool = False
    _rows: list[tuple[float, float]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        known([self.layout], get_args(Layout.__value__), "layout")
        as_path(self.base, "base")
        of_type(self.strategy, str, "strategy", "the name of a folder")
        if not self.strategy.strip(" .") or Path(self.strategy).name != self.strategy:
            raise DataError(f"strategy is {self.strategy!r}, but must be the name of a folder")
        whole(self.repetition, "repetition", 1)
        require_flag(self.resume, "resume")
        if not self._result.exists():
            return
        if not self.resume:
            raise DataError(f"{self._result} exists, allowed are new runs, or resume=True")
        self._rows = self._read()

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        base = as_path(self.base, "base")
        if self.layout == "palm":
            return base / f"{self.strategy}_{self.repetition}"
        return base / self.strategy / f"run_{self.repetition}"

    def __call__(self, labels: float, accuracy: float) -> None:
        """Add an episode: cumulative labels, and the accuracy, a fraction or percent."""
        before = self._rows[-1][0] if self._rows else 0.0
        check_episode(labels, accuracy, before)
        self._rows.append((float(labels), float(accuracy)))
        self._write()

    @property
    def _result(self) -> Path:
        return self.folder / (Y_FILE if self.layout == "palm" else "accuracies.csv")

    def _read(self) -> list[tuple[float, float]]:
        """Read the episodes of an earlier run."""
        if self.layout == "palm":
            if not (self.folder / X_FILE).is_file():
                missing = f"{X_FILE}, the labels of its episodes, is missing"
                raise DataError(f"{self.folder} cannot be resumed: {missing}")
            labels, accuracy = (read_array(self.folder / name) for name in (X_FILE, Y_FILE))
            return list(zip(labels.tolist(), accuracy.tolist(), strict=False))
        columns = ["labels", "accuracy"]
        try:
            table = pd.read_csv(self._result, usecols=columns, dtype=float)[columns]
        except (OSError, ValueError) as error:
            raise DataError(f"{self._result} cannot be resumed: {error}") from error
        return list(table.itertuples(index=False, name=None))

    def _write(self) -> None:
        """Write the labels before the accuracies: a reader in between finds no more than both."""
        make_folder(self.folder)
        if self.layout == "results":
            table = pd.DataFrame(self._rows, columns=["labels", "accuracy"])
            put(self._result, partial(table.to_csv, index=False))
            return
        for name, values in zip((X_FILE, Y_FILE), np.array(self._rows).T, strict=True):
            put(self.folder / name, partial(np.save, arr=values))
