"""Output files of a fit: palm_bayes' own, and PALM.py's with its names and keys.

They are written together: all of them are there, or those that were there before.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats
from palm_bayes.data.checks import oddities
from palm_bayes.data.limits import XMode
from palm_bayes.data.runs import Runs
from palm_bayes.files import TRACE, Look, csv_rows, csv_text, plain, put_all, text_file
from palm_bayes.forecast.forecast import Forecast, forecast
from palm_bayes.model import curve
from palm_bayes.model.curve import PARAMETERS
from palm_bayes.report.place import COMPARISON, CURVES, PALM_FIT, files_to_replace, folders
from palm_bayes.version import __version__

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

_POINT = (
    "A_max, delta, alpha and beta at the top are one posterior draw: the one whose curve is "
    "closest to the posterior median curve. Medians of single parameters give no coherent curve."
)
_MODES = ("PALM (cumulative-normalized, b={b:g})", "PALM (episodes)")
_BUDGET_SIZE = 100.0  # PALM.py's default of --budget_size


@dataclass(frozen=True, eq=False)
class PalmResult:
    """PALM.py's results for one strategy, accuracies in the user's own unit.

    Of an error e they hold what PALM describes: 1 - e, in percent 100 - e.
    """

    params: dict[str, Any]  # ``palm_params.json``: PALM.py's keys in its order, and ``posterior``
    y_avg: Floats  # mean over the repetitions that have the episode, shape (episodes,)
    y_fit: Floats  # the curve of the four parameters in `params` at the same episodes


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables of a fit, each computed once."""

    fit: "Posterior"
    probability: float = 0.9  # of the intervals
    diagnostics: bool = True  # of each parameter, too

    @cached_property
    def summary(self) -> pd.DataFrame:
        """`Posterior.summary` at `probability`."""
        return self.fit.summary(self.probability, diagnostics=self.diagnostics)

    @cached_property
    def points(self) -> pd.DataFrame:
        """`Posterior.representative`, A_max in the user's own unit."""
        points = self.fit.representative()
        return points.assign(A_max=self.fit.runs.score.sizes(points["A_max"]))

    def rows(self, strategy: str) -> pd.DataFrame:
        """Return rows of the summary for one strategy, by parameter."""
        return self.summary[self.summary["strategy"] == strategy].set_index("parameter")

    def point(self, strategy: str) -> dict[str, Any]:
        """Return PALM's four parameters of one strategy, by name."""
        return plain(self.points.loc[strategy, list(PARAMETERS)].to_dict())

    def document(self) -> dict[str, Any]:
        """Return all that the terminal shows of the fit, in the types of JSON."""
        runs, verdict = self.fit.runs, self.fit.convergence
        check = self.fit.predictive_check
        strategies = {}
        for name in runs.strategies:
            rows = self.rows(name).drop(columns="strategy")
            strategies[name] = {
                "parameters": {str(p): plain(row.to_dict()) for p, row in rows.iterrows()},
                "point": self.point(name),
                "convergence": plain(verdict.table.loc[name].to_dict()),
                "predictive_check": plain(check.table.loc[name].to_dict()),
            }
        return {
            "palm_bayes": __version__,
            "converged": bool(verdict.passed),
            "verdict": verdict.sentence,
            "misfits": check.sentences,
            "dataset": runs.dataset,
            "model": runs.model,
            "data": runs.describe(),
            "batch": runs.batch if runs.labels_known else None,
            **asdict(runs.score),
            "probability": self.probability,
            "strategies": strategies,
            "notes": list(runs.notes),
            "warnings": oddities(runs),
        }


@dataclass(frozen=True, eq=False)
class FitOutput:
    """Fit and forecasts, with methods that write the files."""

    tables: Tables
    new: Forecast  # of a new repetition
    x_mode: XMode = "labels"  # as requested; "labels" means episodes where labels are unknown
    truth: Runs | None = None  # runs with later episodes than those of the fit, for the figures

    @classmethod
    def of(
        cls,
        fit: "Posterior",
        *,
        horizon: int | None = None,
        probability: float = 0.9,
        x_mode: XMode = "labels",
        truth: Runs | None = None,
    ) -> "FitOutput":
        """Forecast `horizon` episodes past the data.

        By default as many as were fitted, or more if `truth` has more.
        """
        last = int(fit.runs.table["episode"].max())
        end = last if truth is None else int(truth.table["episode"].max())
        ahead = horizon or max(last, end - last)
        new = forecast(fit, horizon=ahead, scope="new")
        return cls(Tables(fit, probability), new, x_mode, truth)

    @cached_property
    def expected(self) -> Forecast:
        """Forecast of the expected curves, from the draws of `new`."""
        return self.new.without_noise

    def write(
        self,
        out: Path,
        *,
        palm: bool = True,
        look: Look | None = None,
        overwrite: bool = False,
    ) -> list[Path]:
        """Write all files into `out`, those of PALM.py where `folders` says; return their paths.

        All of them are written, or none. The files of an earlier fit of the same runs are replaced
        (`files_to_replace`); with `overwrite`, so are files of the same names, whoever wrote them.
        `DataError` if files cannot be written, or must not be replaced.
        """
        runs = self.tables.fit.runs
        palms = self._palm_tables() if palm else {}
        files = self._tables() | palms | self._figures(palm, look or Look())
        return put_all(out, files, lambda: files_to_replace(out, runs, files, overwrite))

    def _tables(self) -> "_Files":
        scopes = {"expected": self.expected, "new": self.new}
        frames = [frame.to_frame().assign(scope=scope) for scope, frame in scopes.items()]
        forecast = pd.concat(frames, ignore_index=True)
        forecast.insert(0, "scope", forecast.pop("scope"))
        return {
            Path(TRACE): lambda path: path.write_bytes(self.tables.fit.to_bytes()),
            Path("summary.csv"): text_file(csv_text(self.tables.summary)),
            Path("forecast.csv"): text_file(csv_text(forecast)),
        }

    def _palm_tables(self) -> "_Files":
        files: _Files = {}
        for strategy, folder in folders(self.tables.fit.runs.strategies).items():
            palm = self.palm(strategy)
            files |= {
                Path(folder, "palm_params.json"): text_file(
                    json.dumps(palm.params, indent=2, allow_nan=False) + "\n"
                ),
                Path(folder, "palm_params.csv"): text_file(_params_csv(palm.params)),
                Path(folder, "y_avg.npy"): partial(np.save, arr=palm.y_avg),
                Path(folder, "y_fit.npy"): partial(np.save, arr=palm.y_fit),
            }
        return files

    def _figures(self, palm: bool, look: Look) -> "_Files":
        from palm_bayes.plots.comparison import plot_comparison
        from palm_bayes.plots.curves import plot_curves
        from palm_bayes.plots.style import drawing
        from palm_bayes.plots.view import DOT

        draw = partial(drawing, look)
        runs, truth = self.tables.fit.runs, self.truth
        expected, new = self.expected.draws, self.new.draws
        curves, comparison = (Path(f"{name}.{look.kind}") for name in (CURVES, COMPARISON))
        files: _Files = {curves: draw(plot_curves, runs, expected, new, truth)}
        if len(runs.strategies) > 1:
            files[comparison] = draw(plot_comparison, runs, expected, truth)
        for strategy, folder in folders(runs.strategies).items() if palm else ():
            title = DOT.join(filter(None, (runs.dataset, runs.model, strategy)))
            files[Path(folder, f"{PALM_FIT}.{look.kind}")] = draw(
                plot_curves, runs.strategy(strategy), expected, new, title=title
            )
        return files

    def palm(self, strategy: str) -> "PalmResult":
        """Compute PALM.py's results for one strategy."""
        fit = self.tables.fit
        runs, point = fit.runs.strategy(strategy), self.tables.point(strategy)
        means = runs.table.groupby("episode")[["x", "accuracy"]].mean()
        y_fit = curve.accuracy(means["x"].to_numpy(), **point)
        y_avg = runs.score.sizes(means["accuracy"].to_numpy())
        spans = self.tables.rows(strategy)[["median", "lower", "upper"]]
        episodes = self.x_mode == "episodes" or not runs.labels_known
        params = {
            "dataset": runs.dataset,
            "model": runs.model,
            "method": strategy,
            "episodes": len(means),
            "mode": _MODES[episodes].format(b=runs.batch),
            # ALDA, which reads this file, does not accept an empty value.
            "budget_size": float(runs.batch) if runs.labels_known else _BUDGET_SIZE,
            **point,
            "run_files": list(dict.fromkeys(runs.origins.values())),
            "posterior": {
                **{name: plain(spans.loc[name].to_dict()) for name in PARAMETERS},
                "probability": self.tables.probability,
                "converged": bool(fit.convergence.table.loc[strategy, "passed"]),
                "point": _POINT,
            },
        }
        return PalmResult(params, y_avg, y_fit)


type _Files = dict[Path, Callable[[Path], Any]]


def _params_csv(params: Mapping[str, Any]) -> str:
    """Format ``palm_params.csv`` with PALM.py's columns and number formats."""
    words = ("dataset", "model", "method", "episodes", "mode", "budget_size")
    size = "" if params["mode"] == _MODES[True] else params["budget_size"]
    numbers = [f"{params[p]:.6f}" if p == "A_max" else f"{params[p]:.8f}" for p in PARAMETERS]
    values = [*(params[word] for word in words[:-1]), size, *numbers]
    return csv_rows([[*words, *PARAMETERS], values])
