"""Where do the numbers of the default prior and of the misfit come from? See README.md.

python benchmarks/learn.py --curves DIR --out learn

Every cell is fitted once, to its first quarter and half, under a wide prior. How likely other
numbers make the later accuracies follows from the same draws, weighted by the ratio of the priors.
The numbers that make them likeliest are found, cells counting alike; then again without each source
in turn, to judge them on curves from which they were not learnt.
"""

import argparse
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from cells import curves_argument
from forecast import CELL, FRACTIONS, curves
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize
from scipy.special import logsumexp

from palm_bayes import PalmWarning, Runs, fit, noise
from palm_bayes.backtesting import train_size
from palm_bayes.files import put
from palm_bayes.forecast import moments, other_curves
from palm_bayes.misfit import MISFIT, Misfit, OtherCurves, log_odds
from palm_bayes.priors import Priors, named_priors

type Floats = NDArray[np.float64]

WIDE = {"beta": (np.log(0.35), 0.6), "shared": 4.0, "ratio": 12.0}  # of the prior that is sampled
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

    def as_point(self) -> Floats:
        center, *above_zero = astuple(self)
        return np.array([center, *np.log(above_zero)])

    @property
    def misfit(self) -> Misfit:
        return Misfit(self.scale, MISFIT.degrees, self.disagreement, MISFIT.most, self.prior)

    @classmethod
    def at(cls, point: Floats) -> Self:
        return cls(float(point[0]), *map(float, np.exp(point[1:])))


START = Numbers(center=-1.2, width=0.5, b=6.0, ratio=12.0, scale=0.03, disagreement=0.3, prior=10.0)


@dataclass(frozen=True, eq=False)
class Later:
    """The mean over repetitions at later episodes, and what the draws of a fit say of it.

    Attributes
    ----------
    log_beta, shared, log_ratio : array, dims (draw, 1)
    on_curve, gain, s, shift, sd : array, dims (draw, episode)
        PALM's accuracy, its gain in log-odds since the data's end; how far past them; what the last
        residuals leave; spread of one run.
    others : array, dims (field of OtherCurves, episode)
    runs, observed : array, dims (episode,)
        How many runs there are, and their mean.
    """

    log_beta: Floats
    shared: Floats
    log_ratio: Floats
    on_curve: Floats
    gain: Floats
    s: Floats
    shift: Floats
    sd: Floats
    others: Floats
    runs: Floats
    observed: Floats

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

        last = seen.table.groupby("repetition").tail(1).set_index("repetition")
        table = runs.table[(runs.table["episode"] > train)]
        table = table[table["repetition"].isin(last.index)]
        mean, sd = known(last["x"].to_numpy(float))
        residual = pd.DataFrame(((last["accuracy"].to_numpy() - mean) / sd).T, last.index)
        of_episode = table.groupby("episode")
        x = of_episode["x"].median().to_numpy(float)
        on_curve, sd = known(x)
        at_last, _ = known(np.array([x_last]))
        rho = posterior["rho"].to_numpy()[:, None]
        lag = (table["episode"] - last["episode"].loc[table["repetition"]].to_numpy()).to_numpy()
        carried = noise.carry(rho, lag)
        each = residual.loc[table["repetition"]].to_numpy().T * carried
        left = pd.DataFrame((1 - carried**2).T).groupby(table["episode"].to_numpy()).mean().T
        shift = pd.DataFrame(each.T).groupby(table["episode"].to_numpy()).mean().T
        alpha = posterior["curve"].sel(parameter="alpha").to_numpy()[:, None]
        return cls(
            log_beta=np.log(posterior["beta"].to_numpy())[:, None],
            shared=posterior["shared"].to_numpy()[:, None],
            log_ratio=np.log(posterior["noise_ratio"].to_numpy())[:, None],
            on_curve=on_curve,
            gain=log_odds(on_curve) - log_odds(at_last),
            others=np.stack([part[0] for part in other_curves(seen, x)]),
            s=np.log((x + alpha) / (x_last + alpha)),
            shift=sd * shift.to_numpy(),
            sd=sd * np.sqrt(left.to_numpy()),
            runs=of_episode.size().to_numpy(float),
            observed=of_episode["accuracy"].mean().to_numpy(),
        )

    def judged(self, numbers: Numbers) -> tuple[Floats, Floats]:
        """Log-density of what came, and the probability of less, dims (episode,)."""
        center, width = WIDE["beta"]
        weights = (
            stats.norm.logpdf(self.log_beta, numbers.center, numbers.width)
            - stats.norm.logpdf(self.log_beta, center, width)
            + (numbers.b - WIDE["shared"]) * np.log1p(-self.shared)
            + stats.norm.logpdf(self.log_ratio, np.log(numbers.ratio))
            - stats.norm.logpdf(self.log_ratio, np.log(WIDE["ratio"]))
        )
        weights = np.exp(weights - logsumexp(weights))
        count = len(self.log_beta)
        share = (np.random.default_rng(1).permutation(count) + 0.5) / count
        gain = (weights * self.gain).sum(axis=0)  # the mean for the median, which is slower
        expected = numbers.misfit.strayed(
            self.on_curve, self.s, share[:, None], OtherCurves(*self.others), gain
        )
        sd = self.sd * np.sqrt(self.shared + (1 - self.shared) / self.runs)
        z = (self.observed - expected - self.shift) / sd
        log_density = logsumexp(stats.norm.logpdf(z) - np.log(sd), axis=0, b=weights)
        return log_density, (weights * stats.norm.cdf(z)).sum(axis=0)


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
    parser.add_argument("--stride", type=int, default=1, help="take every so many-th cell")
    parser.add_argument("--every", type=int, default=1, help="learn from every so many-th fit")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    found = list(laters(curves(args.curves), args.out, args.stride))
    shown = found[:: args.every]
    print(f"{len(found)} fits. Learnt from all sources: {learnt([later for _, later in shown])}")
    print("\nLearnt from all other sources, and judged on the one:")
    rows = []
    for source in sorted({source for source, _ in found}):
        numbers = learnt([later for other, later in shown if other != source])
        print(f"  {source:<12}{numbers}", flush=True)
        for later in (later for this, later in found if this == source):
            log_density, probability = later.judged(numbers)
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


def laters(table: pd.DataFrame, out: Path, stride: int) -> Iterator[tuple[str, Later]]:
    """Fit every `stride`-th cell, or read what is kept of it."""
    cells = list(enumerate(table.groupby(CELL)))
    for i, (cell, frame) in cells[::stride]:
        longest = int(frame["episode"].max())
        for train in sorted({train_size(longest, fraction) for fraction in FRACTIONS}):
            kept = out / f"{i:03}-{train}.npz"
            if not kept.is_file():
                print(
                    f"{i / len(cells):6.1%}  {' / '.join(cell)} from {train} episodes", flush=True
                )
                later = Later.of(Runs.from_frame(frame), train)
                parts = {field.name: getattr(later, field.name) for field in fields(later)}
                put(kept, lambda draft, parts=parts: _write(draft, parts))
            with np.load(kept) as parts:
                yield str(cell[0]), Later(**parts)


def _write(draft: Path, parts: dict[str, Floats]) -> None:
    with draft.open("wb") as file:
        np.savez_compressed(file, **parts)


def learnt(found: Sequence[Later]) -> Numbers:
    """Numbers with the highest mean log-density, cells counting alike."""

    def loss(point: Floats) -> float:
        numbers = Numbers.at(point)
        return -float(np.mean([later.judged(numbers)[0].clip(WORST).mean() for later in found]))

    found_at = minimize(loss, START.as_point(), method="Nelder-Mead", options={"maxfev": 300}).x
    return Numbers.at(found_at)


if __name__ == "__main__":
    main()
