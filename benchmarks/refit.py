"""How often does weighing earlier draws do for one more episode, how fast, and how right?

See README.md.

python benchmarks/refit.py --curves DIR
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
from cells import LEAST_EPISODES, Cell, cells, curves_parser

import palm_bayes
from palm_bayes.inference.posterior import PARAMETERS
from palm_bayes.palm_fit import PalmFit


def main() -> None:
    args = curves_parser(__doc__, stride=1).parse_args()
    warnings.simplefilter("ignore", palm_bayes.PalmWarning)
    rows = [row for cell in cells(args.curves, args.stride) for row in measured(cell)]
    report(pd.DataFrame(rows))


def measured(cell: Cell) -> list[dict[str, Any]]:
    """Go one, two and three episodes on from the first half, each from the fit before."""
    start = int(cell.half.table["episode"].max())
    last = min(start + 3, int(cell.full.table["episode"].max()))
    fit = palm_bayes.fit(cell.half)
    rows = []
    for step, episode in enumerate(range(start + 1, last + 1), 1):
        runs = cell.full.first(episode)
        anew, seconds_anew = timed(lambda runs=runs: palm_bayes.fit(runs, seed=1))
        fit, seconds = timed(lambda fit=fit, runs=runs: fit.refit(runs))
        weighed = bool((fit.convergence.table["attempts"] == 0).all())
        z = differences(fit, anew) if weighed else []
        rows.append(
            {
                "step": step,
                "short": start <= 2 * LEAST_EPISODES,
                "weighed": weighed,
                "passed": fit.convergence.passed,
                "ratio": seconds / seconds_anew,
                "z": z,
            }
        )
    return rows


def timed(make: Callable[[], PalmFit]) -> tuple[PalmFit, float]:
    start = time.perf_counter()
    return make(), time.perf_counter() - start


def differences(fit: PalmFit, other: PalmFit) -> list[float]:
    """Means and 5 and 95 % quantiles of all parameters, in Monte-Carlo errors of their difference.

    Where draws that were picked twice leave the error of a quantile unknown, it is left out.
    """
    found = []
    for name in PARAMETERS:
        draws = [part.trace["posterior"][name].isel(strategy=0) for part in (fit, other)]
        means, errors = zip(*((float(d.mean()), float(az.mcse(d))) for d in draws), strict=True)
        found.append((means[0] - means[1]) / np.hypot(*errors))
        for share in (0.05, 0.95):
            ours, theirs = (float(d.quantile(share)) for d in draws)
            errors = [float(az.mcse(d, method="quantile", prob=share)) for d in draws]
            found.append((ours - theirs) / np.hypot(*errors))
    return [z for z in found if np.isfinite(z)]


def report(rows: pd.DataFrame) -> None:
    """Print how often, how fast and how right, and where it fell short."""
    groups = rows.groupby(["short", "step"])
    table = groups.agg(
        fits=("weighed", "size"),
        weighed=("weighed", "mean"),
        passed=("passed", "mean"),
        ratio_mean=("ratio", "mean"),
        ratio_weighed=("ratio", lambda ratio: ratio[rows.loc[ratio.index, "weighed"]].median()),
    )
    z = rows.explode("z").dropna(subset="z").astype({"z": float}).groupby(["short", "step"])["z"]
    table["z_rms"] = z.agg(lambda z: np.sqrt((z**2).mean()))
    table["z_over_3"] = z.agg(lambda z: (z.abs() > 3).mean())
    shares = dict.fromkeys(["weighed", "passed", "z_over_3"], "{:.1%}".format)
    named = table.rename({False: "more than 10", True: "5 to 10"}, level="short")
    named = named.rename_axis(["episodes", "further"])
    print(named.to_string(formatters=shares, float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
