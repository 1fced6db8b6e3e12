"""How do other ways to forecast the same curves compare? See README.md.

python benchmarks/peers.py --curves DIR --stride 60 --stan-python PYTHON
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from cells import Cell, append, cells, curves_parser, done
from numpy.typing import NDArray
from plain import NAIVE, NAIVE_IN_STAN, judged, naive, naive_data
from speed import empty_caches

import palm_bayes
from palm_bayes.data.alignment import mean_curve
from palm_bayes.data.runs import Runs
from palm_bayes.errors import PalmError
from palm_bayes.evaluation.cells import later_rows
from palm_bayes.evaluation.provenance import FAILURES, in_words
from palm_bayes.evaluation.scores import crps
from palm_bayes.forecast.baselines import fitted
from palm_bayes.model.curve import PARAMETERS, accuracy

FAILED = (*FAILURES, RuntimeError, ValueError)  # a peer's own errors too
SCOPES = ("mean", "repetition")
SCORES = ("error", "crps", "in 80 %")

# What a peer does once, before its first cell.
IMPORT_OURS = """
from palm_bayes.inference.nuts import compile_programs
from palm_bayes.model.priors import named_priors
compile_programs(named_priors("default"))
"""
IMPORT_LEAST_SQUARES = "import palm_bayes.forecast.baselines, scipy.optimize"
IMPORT_PYMC = "import pymc"
ANY_DATA = {"n": 2, "x": [1.0, 2.0], "y": [0.5, 0.6], "alpha_lo": -1.0, "unit": 0.5}

type Floats = NDArray[np.float64]


class Question(NamedTuple):
    """The runs that are seen, their later rows, and medians and means of these by episode."""

    seen: Runs
    later: pd.DataFrame
    after: pd.DataFrame

    def means(self, single: Floats) -> Floats:
        """Average draws of later rows, dims (draw, row), over repetitions: (draw, episode)."""
        groups = self.later.reset_index(drop=True).groupby("episode").indices.values()
        return np.stack([single[:, rows].mean(axis=1) for rows in groups], axis=1)


class Answer(NamedTuple):
    """Draws of means over repetitions, dims (draw, episode), and of the repetitions themselves.

    A point forecast is one draw, has no forecast of repetitions, and does not converge or fail to.
    """

    mean: Floats
    repetition: Floats | None = None
    converged: bool | None = None


class Peer(NamedTuple):
    """A way to forecast, and seconds until it can: the first time, compilation included, and later.

    Both are of a new process; what was compiled the first time is kept.
    """

    first_start: float
    start: float
    forecast: Callable[[Question], Answer]


class MissingError(Exception):
    """A peer is not installed."""


def main() -> None:
    parser = curves_parser(__doc__, stride=60, out="peers.csv")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--stan-python", metavar="PYTHON", help="a Python that has pystan")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # of data that are odd
    logging.getLogger("pymc").setLevel(logging.ERROR)
    asked = list(cells(args.curves, args.stride))
    for name in args.peers:
        there = done(args.out, ["peer", "cell"])
        wanted = [cell for cell in asked if (name, cell.id) not in there]
        try:
            peer = PEERS[name](args) if wanted else None
        except MissingError as missing:
            print(f"{name} is skipped: {missing}")
            continue
        for cell in wanted:
            append(args.out, {"peer": name, "cell": cell.id, **measured(peer, question(cell))})
            print(f"{name}  {cell.id}", flush=True)
    if args.out.exists():
        report(pd.read_csv(args.out))


def question(cell: Cell) -> Question:
    later = later_rows(cell.full, cell.half, int(cell.half.table["episode"].max()))
    of_episode = later.groupby("episode")
    after = of_episode[["x", "labels"]].median().assign(accuracy=of_episode["accuracy"].mean())
    return Question(cell.half, later, after)


def measured(peer: Peer, asked: Question) -> dict[str, Any]:
    """Ask for one forecast and judge it; all figures of a row are there, if only as NaN."""
    row: dict[str, Any] = {"first start": peer.first_start, "start": peer.start}
    row |= {"seconds": np.nan, "converged": None}
    row |= {f"{scope} {score}": np.nan for scope in SCOPES for score in SCORES} | {"failed": ""}
    start = time.perf_counter()
    try:
        answer = peer.forecast(asked)
        row["seconds"] = time.perf_counter() - start
        row |= judged_means(answer, asked)
    except FAILED as error:
        row["failed"] = in_words(error)
    return row


def judged_means(answer: Answer, asked: Question) -> dict[str, Any]:
    scores = scored("mean", answer.mean, asked.after["accuracy"])
    if answer.repetition is not None:
        scores |= scored("repetition", answer.repetition, asked.later["accuracy"])
    return scores | {"converged": answer.converged}


def scored(scope: str, draws: Floats, observed: "pd.Series[float]") -> dict[str, float]:
    """Error of the median and CRPS, in points, and the share held; means over all forecasts."""
    if not np.isfinite(draws).all():
        raise PalmError("the forecast is not finite")
    truth = observed.to_numpy()
    low, median, high = np.quantile(draws, (0.1, 0.5, 0.9), axis=0)
    held = np.nan if len(draws) == 1 else 100 * np.mean((low <= truth) & (truth <= high))
    found = 100 * np.abs(median - truth).mean(), 100 * crps(draws, truth).mean(), held
    return {f"{scope} {score}": value for score, value in zip(SCORES, found, strict=True)}


def ours(_args: argparse.Namespace) -> Peer:
    return Peer(*starts(IMPORT_OURS), of_ours)


def of_ours(asked: Question) -> Answer:
    fit = palm_bayes.fit(asked.seen)
    draws = fit.forecast(labels=asked.after["labels"], scope="continuing").draws
    draws = draws.isel(strategy=0).assign_coords(x=asked.after.index.to_numpy())
    at = {"repetition": asked.later["repetition"], "x": asked.later["episode"]}
    rows = draws.sel({name: xr.DataArray(where, dims="row") for name, where in at.items()})
    single = rows.stack(sample=("chain", "draw")).transpose("sample", "row").to_numpy()
    return Answer(asked.means(single), single, fit.convergence.passed)


def least_squares(_args: argparse.Namespace) -> Peer:
    return Peer(*starts(IMPORT_LEAST_SQUARES), of_least_squares)


def of_least_squares(asked: Question) -> Answer:
    seen = mean_curve(asked.seen)
    return Answer(fitted("palm_py", seen.x, seen.y)(asked.after["x"].to_numpy())[None])


def plain_pymc(_args: argparse.Namespace) -> Peer:
    return Peer(*starts(IMPORT_PYMC), of_pymc)


def of_pymc(asked: Question) -> Answer:
    """Build and sample the model anew, as a loop over curves does that does not know better."""
    with pm.Model():
        naive(**naive_data(asked.seen))
        tree = pm.sample(progressbar=False, random_seed=1)
    return of_naive(asked, tree)


def stan(args: argparse.Namespace) -> Peer:
    if args.stan_python is None:
        raise MissingError("--stan-python names a Python that has pystan")
    cache = tempfile.TemporaryDirectory()
    first = StanWorker(args.stan_python, cache)
    first.process.communicate()  # it ends with its input
    worker = StanWorker(args.stan_python, cache)
    return Peer(
        first.start, worker.start, lambda asked: of_naive(asked, worker.sampled(asked.seen))
    )


class StanWorker:
    """Another Python, which compiles the plain model once; `start` is how long that took."""

    def __init__(self, python: str, cache: "tempfile.TemporaryDirectory[str]") -> None:
        self.cache = cache  # is removed when no worker needs it
        there = str(Path(shutil.which(python) or python).absolute())
        command = [there, str(Path(__file__).with_name("stan_worker.py"))]
        start = time.perf_counter()
        with tempfile.TemporaryFile("w+") as errors:
            try:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    cwd=cache.name,  # where pystan leaves what it builds
                    env={**os.environ, "XDG_CACHE_HOME": cache.name},
                )
                self._ask({"program": NAIVE_IN_STAN, "data": ANY_DATA})
            except (OSError, ValueError) as error:
                errors.seek(0)
                raise MissingError((errors.read().splitlines() or [str(error)])[-1]) from error
        self.start = time.perf_counter() - start

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(question), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())  # "" if it has ended
        return answer

    def sampled(self, runs: Runs) -> xr.DataTree:
        data = naive_data(runs)
        found = self._ask(
            {"n": len(data["x"])}
            | {name: np.asarray(value, float).tolist() for name, value in data.items()}
        )
        if "error" in found:
            raise RuntimeError(found["error"])
        draws = {name: (("chain", "draw"), np.array(values)) for name, values in found.items()}
        of_sampler = {"diverging": draws["divergent__"], "energy": draws["energy__"]}
        groups = {"posterior": {name: draws[name] for name in NAIVE}, "sample_stats": of_sampler}
        return xr.DataTree.from_dict({name: xr.Dataset(group) for name, group in groups.items()})


def of_naive(asked: Question, tree: xr.DataTree) -> Answer:
    """Forecast later rows by the draws' curves and independent noise, within [0, 1]."""
    posterior, verdict = judged(tree, NAIVE)
    draws = {name: posterior[name].to_numpy().reshape(-1, 1) for name in NAIVE}
    x = asked.after["x"].loc[asked.later["episode"]].to_numpy()
    with np.errstate(all="ignore"):  # powers of thousands
        expected = accuracy(x, *(draws[name] for name in PARAMETERS))
    noise = draws["noise"] * np.random.default_rng(0).standard_normal(expected.shape)
    single = np.clip(expected + noise, 0, 1)
    return Answer(asked.means(single), single, verdict["passed"])


def starts(code: str) -> list[float]:
    """Seconds that a new process takes to run this, with nothing compiled before and then again."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", code],
                check=True,
                env={**os.environ, **empty_caches(f"{folder}/empty")},
            )
            found.append(time.perf_counter() - start)
    return found


PEERS = {
    "palm_bayes": ours,
    "PALM.py": least_squares,
    "plain PyMC": plain_pymc,
    "plain Stan": stan,
}


def report(rows: pd.DataFrame) -> None:
    """Print a line a peer: costs, and means over cells, which all count alike."""
    rows["converged"] = 100 * rows["converged"].astype(float)
    of_peer = rows.groupby("peer", sort=False)
    scores = [f"{scope} {score}" for scope in SCOPES for score in SCORES]
    counts = of_peer.agg(cells=("cell", "size"), failed=("failed", "count"))
    seconds = of_peer[["first start", "start", "seconds"]].median()
    table = counts.join(seconds).join(of_peer[["converged", *scores]].mean())
    heads = [("", name) for name in table.columns.drop(scores)]
    heads += [(scope, score) for scope in SCOPES for score in SCORES]
    table.columns = pd.MultiIndex.from_tuples(heads)
    print(table.to_string(float_format="{:.3g}".format, na_rep=""))
    for row in rows.dropna(subset="failed").itertuples(index=False):
        print(f"{row.peer} failed for {row.cell}: {row.failed}")


if __name__ == "__main__":
    main()
