"""Where do the numbers of the default prior and of the misfit come from? See README.md.

python benchmarks/learn.py --curves DIR --out learn

Every cell is fitted once, to its first quarter and half, under a wide prior. How likely other
numbers make the later accuracies follows from the same draws, weighted by the ratio of the priors.
The numbers that make them likeliest are found, cells counting alike; then again without each source
in turn, to judge them on curves from which they were not learnt. Cells of one task tell each other
of their gains, as in forecasts, but all gains are believed (`Misfit.doubt`).
"""

import argparse
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from cells import TASK, curves_argument
from forecast import FRACTIONS, curves
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from palm_bayes import PalmWarning, Runs, fit, noise
from palm_bayes.backtest_cells import train_size
from palm_bayes.drift import other_curves
from palm_bayes.files import put
from palm_bayes.forecast import moments
from palm_bayes.misfit import MISFIT, Misfit, OtherCurves, log_odds, noise_of_odds
from palm_bayes.priors import Priors, named_priors

type Floats = NDArray[np.float64]

WIDE = {"beta": (np.log(0.35), 0.6), "shared": 4.0, "ratio": 5.0}  # of the prior that is sampled
DRAWS = 400  # kept of each fit
WORST = -10.0  # log-density at which a miss counts no worse: one cell must not decide


@dataclass(frozen=True)
class Numbers:
    """What is learnt.

    log β ~ N(center, width), shared ~ Beta(1, b), log noise_ratio ~ N(log ratio, 1); the misfit's
    numbers.
    """

    center: float
    width: float
    b: float
    ratio: float
    scale: float
    disagreement: float
    prior: float
    common: float
    level: float

    def as_point(self) -> Floats:
        center, *above_zero = astuple(self)
        return np.array([center, *np.log(above_zero)])

    @property
    def misfit(self) -> Misfit:
        return replace(MISFIT, **{word.name: getattr(self, word.name) for word in fields(self)[4:]})

    @classmethod
    def at(cls, point: Floats) -> Self:
        found = cls(float(point[0]), *map(float, np.exp(point[1:])))
        return replace(found, common=min(found.common, 1.0))


START = Numbers(
    center=-1.2, width=0.5, b=6.0, ratio=5.0,
    scale=0.03, disagreement=0.3, prior=10.0, common=0.2, level=0.05,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Later:
    """The mean over repetitions at later episodes, and what the draws of a fit say of it.

    Attributes
    ----------
    log_beta, shared, log_ratio, spread, at_last : array, dims (draw, 1)
        `spread` and `at_last` are one run's and PALM's accuracy at the data's end.
    on_curve, gain, s, sd : array, dims (draw, episode)
        PALM's accuracy, its gain in log-odds since the data's end; how far past them; what the
        runs' residuals leave unknown of the spread of one run.
    shift, carried : array, dims (draw, episode)
        What the runs' residuals let expect, on average over runs, and what a unit at the end does.
    others : array, dims (field of OtherCurves, episode)
    episodes, runs, observed : array, dims (episode,)
        Their numbers; how many runs there are, and their mean.
    last : array, dims (2,)
        Mean accuracy at the data's end, and of how many runs.
    """

    log_beta: Floats
    shared: Floats
    log_ratio: Floats
    spread: Floats
    at_last: Floats
    on_curve: Floats
    gain: Floats
    s: Floats
    sd: Floats
    shift: Floats
    carried: Floats
    others: Floats
    episodes: Floats
    runs: Floats
    observed: Floats
    last: Floats

    @classmethod
    def of(cls, runs: Runs, train: int) -> Self:
        """Fit the first episodes. Runs that end sooner count from there, as in forecasts."""
        seen = runs.first(train)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PalmWarning)
            trace = fit(seen, priors=wide()).trace
        posterior = trace["posterior"].to_dataset().isel(strategy=0).stack(draws=("chain", "draw"))
        posterior = posterior.isel(draws=slice(None, None, posterior.sizes["draws"] // DRAWS))
        x_first, x_last = seen.table["x"].min(), seen.table["x"].max()

        def known(x: Floats) -> tuple[Floats, Floats]:
            found = moments(posterior, xr.DataArray(x, dims="x"), x_first, x_last)
            mean, sd = (part.transpose("draws", "x").to_numpy() for part in found)
            return mean, sd

        table = runs.table[runs.table["episode"] > train]
        table = table[table["repetition"].isin(seen.table["repetition"])]
        at_end = seen.table.loc[seen.table["x"] == x_last, "accuracy"]
        of_episode = table.groupby("episode")
        x = of_episode["x"].median().to_numpy(float)
        on_curve, sd = known(x)
        at_last, _ = known(np.array([x_last]))
        alpha, rho, lasts = (
            part.to_numpy()[:, None]
            for part in (
                posterior["curve"].sel(parameter="alpha"),
                posterior["rho"],
                noise.offset(posterior["noise"], posterior["lasting"]),
            )
        )
        place, size = of_episode.ngroup(), of_episode.size().to_numpy()
        shift, carried, left = np.zeros((3, *on_curve.shape))
        for repetition, run in table.groupby("repetition"):
            before = seen.table[seen.table["repetition"] == repetition]
            x_before = before["x"].to_numpy(float)
            mean, spread = known(x_before)
            # What the runs' past residuals let expect, and what a curve that stands off PALM's.
            off = MISFIT.standing(1.0, 0.0, 0.0, np.log((x_before + alpha) / (x_last + alpha)))
            lags = before["episode"].diff().fillna(0).to_numpy()
            lag = run["episode"].to_numpy() - before["episode"].iloc[-1]
            at = place.loc[run.index].to_numpy()
            memory = spread, noise.carry(rho, lags), sd[:, at], noise.carry(rho, lag), lasts
            expected, variance = ahead(before["accuracy"].to_numpy() - mean, *memory)
            of_shift, _ = ahead(off * posterior["noise"].to_numpy()[:, None], *memory)
            for total, part in ((shift, expected), (carried, of_shift), (left, variance)):
                total[:, at] += part / size[at]
        return cls(
            log_beta=np.log(posterior["beta"].to_numpy())[:, None],
            shared=posterior["shared"].to_numpy()[:, None],
            log_ratio=np.log(posterior["noise_ratio"].to_numpy())[:, None],
            on_curve=on_curve,
            spread=posterior["noise"].to_numpy()[:, None],
            at_last=at_last,
            gain=log_odds(on_curve) - log_odds(at_last),
            others=np.stack([part[0] for part in other_curves(seen, x)]),
            s=np.log((x + alpha) / (x_last + alpha)),
            shift=shift,
            carried=carried,
            sd=np.sqrt(left),
            episodes=np.array([*of_episode.groups], dtype=float),
            runs=of_episode.size().to_numpy(float),
            observed=of_episode["accuracy"].mean().to_numpy(),
            last=np.array([at_end.mean(), len(at_end)]),
        )

    def weights(self, numbers: Numbers) -> Floats:
        """Weights of the draws under other priors, dims (draw, 1)."""
        center, width = WIDE["beta"]
        weights = (
            stats.norm.logpdf(self.log_beta, numbers.center, numbers.width)
            - stats.norm.logpdf(self.log_beta, center, width)
            + (numbers.b - WIDE["shared"]) * np.log1p(-self.shared)
            + stats.norm.logpdf(self.log_ratio, np.log(numbers.ratio))
            - stats.norm.logpdf(self.log_ratio, np.log(WIDE["ratio"]))
        )
        return np.exp(weights - logsumexp(weights))

    def _shares(self, seed: int) -> Floats:
        """Quantiles of a number a draw, evenly, dims (draw, 1)."""
        count = len(self.log_beta)
        return ((np.random.default_rng(seed).permutation(count) + 0.5) / count)[:, None]

    def gains(self, numbers: Numbers) -> tuple[Floats, Floats]:
        """What the posterior and what least squares, too, foresee, dims (episode,)."""
        weights = self.weights(numbers)
        gain, s = ((weights * part).sum(axis=0) for part in (self.gain, self.s))  # not medians
        return gain, numbers.misfit.foreseen(gain, s, OtherCurves(*self.others))

    def judged(self, numbers: Numbers, of_others: "pd.Series[float]") -> tuple[Floats, Floats]:
        """Log-density of what came, and the probability of less, dims (episode,).

        `of_others` is what the task's other strategies gain, by episode.
        """
        misfit, weights = numbers.misfit, self.weights(numbers)
        gain, foreseen = self.gains(numbers)
        theirs = of_others.reindex(self.episodes).to_numpy()
        alone = np.isnan(theirs)
        foreseen = np.where(alone, foreseen, misfit.shared(foreseen, theirs))
        closer = (misfit.apart - 1) * (self.gain - gain) * ~alone
        mean, repetitions = self.last
        variance = self.spread**2 * (self.shared + (1 - self.shared) / repetitions)
        residual = log_odds(mean) - log_odds(self.at_last)
        off = stats.norm.ppf(self._shares(seed=2))
        standing = misfit.standing(residual, noise_of_odds(self.at_last, variance), off, 0.0)
        moved = expit(log_odds(self.at_last) + standing) - self.at_last
        share = self._shares(seed=1)
        _, disagreement, _ = self.others
        expected = misfit.strayed(
            self.on_curve, self.s, share, disagreement, standing + foreseen - gain + closer
        )
        left = self.shift - self.carried * moved / self.spread
        sd = self.sd * np.sqrt(self.shared + (1 - self.shared) / self.runs)
        z = (self.observed - expected - left) / sd
        log_density = logsumexp(stats.norm.logpdf(z) - np.log(sd), axis=0, b=weights)
        return log_density, (weights * stats.norm.cdf(z)).sum(axis=0)


def ahead(
    residual: Floats, sd: Floats, carried: Floats, sd_later: Floats, later: Floats, lasts: Floats
) -> tuple[Floats, Floats]:
    """Mean and variance of a run's residuals later on, dims (draw, episode).

    `sd` and `carried` are of its observations, the other two of what comes, from the last of them.
    """
    before = noise.past(residual, 0.0, sd, carried, lasts)
    known = 1 + before.known[:, None]
    kept = lasts * (1 - later * sd_later / before.sd[:, None])  # of a unit of what lasts
    mean = later * sd_later * before.residual[:, None] + kept * before.told[:, None] / known
    return mean, sd_later**2 * (1 - later**2) + kept**2 / known


@lru_cache  # a program is compiled for it once
def wide() -> Priors:
    """Return the prior that is sampled."""
    return named_priors("default").with_parts(
        beta=pm.LogNormal.dist(*WIDE["beta"]),
        shared=pm.Beta.dist(1, WIDE["shared"]),
        noise_ratio=pm.LogNormal.dist(np.log(WIDE["ratio"]), 1),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    curves_argument(parser)
    parser.add_argument("--out", type=Path, default=Path("learn"), help="resumed if it is there")
    parser.add_argument("--stride", type=int, default=1, help="take every so many-th task")
    parser.add_argument("--every", type=int, default=1, help="learn from every so many-th task")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    found = list(tasks(curves(args.curves), args.out, args.stride))
    shown = found[:: args.every]
    count = sum(len(task) for _, task in found)
    print(f"{count} fits. Learnt from all sources: {learnt([task for _, task in shown])}")
    print("\nLearnt from all other sources, and judged on the one:")
    rows = []
    for source in sorted({source for source, _ in found}):
        numbers = learnt([task for other, task in shown if other != source])
        print(f"  {source:<12}{numbers}", flush=True)
        for task in (task for this, task in found if this == source):
            for log_density, probability in judged(task, numbers):
                row = pd.DataFrame({"log density": log_density, "p": probability})
                rows.append(row.assign(source=source))
    table = pd.concat(rows)
    for band in (50, 80, 95):
        table[f"{band} %"] = (table["p"] - 0.5).abs() <= band / 200
    print("\nMean over repetitions: mean log-density, and share that the bands hold:")
    columns = ["log density", "50 %", "80 %", "95 %"]
    by_source = table.groupby("source")[columns].mean()
    by_source.loc["all"] = table[columns].mean()
    print(by_source.round(3))


def tasks(table: pd.DataFrame, out: Path, stride: int) -> Iterator[tuple[str, list[Later]]]:
    """Fit the cells of every `stride`-th task to each size, or read what is kept of them."""
    every = list(enumerate(table.groupby(TASK)))
    for i, (task, frame) in every[::stride]:
        of_size: dict[int, list[Later]] = {}
        for strategy, cell in frame.groupby("strategy"):
            name = f"{i / len(every):6.1%}  {' / '.join((*task, str(strategy)))}"
            longest = int(cell["episode"].max())
            for train in sorted({train_size(longest, fraction) for fraction in FRACTIONS}):
                kept = out / f"{i:03}-{len(of_size.get(train, [])):02}-{train}.npz"
                if not kept.is_file():
                    print(f"{name} from {train} episodes", flush=True)
                    later = Later.of(Runs.from_frame(cell), train)
                    parts = {field.name: getattr(later, field.name) for field in fields(later)}
                    put(kept, lambda draft, parts=parts: _write(draft, parts))
                with np.load(kept) as parts:
                    of_size.setdefault(train, []).append(Later(**parts))
        for task_of_size in of_size.values():
            yield str(task[0]), task_of_size


def judged(task: Sequence[Later], numbers: Numbers) -> list[tuple[Floats, Floats]]:
    """Judge the cells of one task and size, each told what the others gain."""
    gains = pd.concat(
        [pd.Series(later.gains(numbers)[1], later.episodes) for later in task], axis=1
    )
    return [
        later.judged(numbers, gains.drop(columns=i).median(axis=1)) for i, later in enumerate(task)
    ]


def _write(draft: Path, parts: dict[str, Floats]) -> None:
    with draft.open("wb") as file:
        np.savez_compressed(file, **parts)


def learnt(found: Sequence[Sequence[Later]]) -> Numbers:
    """Numbers with the highest mean log-density, cells counting alike."""

    def loss(point: Floats) -> float:
        numbers = Numbers.at(point)
        each = [logs.clip(WORST).mean() for task in found for logs, _ in judged(task, numbers)]
        return -float(np.mean(each))

    found_at = minimize(loss, START.as_point(), method="Nelder-Mead", options={"maxfev": 400}).x
    return Numbers.at(found_at)


if __name__ == "__main__":
    main()
