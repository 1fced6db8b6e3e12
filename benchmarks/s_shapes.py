"""Are curves that speed up reported, real and simulated, and what do bands hold? See README.md.

python benchmarks/s_shapes.py --curves DIR
"""

from pathlib import Path

import numpy as np
import pandas as pd
from cells import curves_parser, tasks

import palm_bayes
from palm_bayes.data.checks import growing_gain
from palm_bayes.evaluation.cells import FRACTIONS, train_size

EPISODES = np.arange(1, 21)
SHAPES = {
    "slow logistic": 0.3 + 0.6 / (1 + np.exp(-(EPISODES - 9) / 3)),
    "early logistic": 0.1 + 0.8 / (1 + np.exp(-(EPISODES - 6))),
    "steep logistic": 0.1 + 0.8 / (1 + np.exp(-(EPISODES - 10) / 1.5)),
    "flat, then logistic": 0.5 + 0.4 / (1 + np.exp(-(EPISODES - 14) / 2)),
    "quadratic": 0.2 + 0.0017 * EPISODES**2,
    "PALM": 0.9 * (1 - 0.8 * np.exp(-0.25 * EPISODES)),
}
SEEN = (5, 8, 12)
SEEDS = 20
REPETITIONS, BATCH, NOISE = 3, 20, 0.008


def main() -> None:
    args = curves_parser(__doc__).parse_args()
    print("Beginnings of real curves, a quarter and a half:")
    print(of_real(args.curves).to_string())
    print(f"\nSimulated, {REPETITIONS} repetitions, % of {SEEDS} reported, by episodes seen;")
    print("and % of later accuracies that the 80 % bands hold, one fit of all shapes:")
    print(of_simulated().to_string())


def of_real(folder: Path) -> pd.DataFrame:
    """Count the beginnings of real curves, and those whose gain grows, by source."""
    rows = []
    for (source, *_), runs in tasks(folder):
        for strategy in runs.strategies:
            whole = runs.strategy(strategy)
            last = int(whole.table["episode"].max())
            for fraction in FRACTIONS:
                seen = train_size(last, fraction)
                if seen < last:
                    grows = growing_gain(whole.first(seen)) is not None
                    rows.append({"source": source, "beginnings": 1, "reported": grows})
    table = pd.DataFrame(rows).groupby("source").sum()
    return pd.concat([table, table.sum().rename("all").to_frame().T]).astype(int)


def of_simulated() -> pd.DataFrame:
    """Tabulate by shape how many are reported, and what the bands of a fit hold."""
    columns = {}
    for seen in SEEN:
        columns["reported", seen] = {
            shape: 100 * np.mean([reported(shape, seen, seed) for seed in range(SEEDS)])
            for shape in SHAPES
        }
        truth = palm_bayes.Runs.from_frame(pd.concat([drawn(shape, 0) for shape in SHAPES]))
        fit = palm_bayes.fit(truth.first(seen), seed=1)
        ahead = fit.forecast(horizon=len(EPISODES) - seen, scope="continuing")
        columns["held", seen] = 100 * ahead.coverage(truth)["80 %"]
    return pd.DataFrame(columns).loc[list(SHAPES)].sort_index(axis=1).round().astype(int)


def reported(shape: str, seen: int, seed: int) -> bool:
    """Return True if the gain of simulated runs is found to grow."""
    return growing_gain(palm_bayes.Runs.from_frame(drawn(shape, seed)).first(seen)) is not None


def drawn(shape: str, seed: int) -> pd.DataFrame:
    """Draw runs of a shape, with independent noise."""
    rng = np.random.default_rng(seed)
    runs = SHAPES[shape] + rng.normal(0, NOISE, (REPETITIONS, len(EPISODES)))
    frame = pd.DataFrame(runs.T, EPISODES).rename_axis("episode").melt(
        var_name="repetition", value_name="accuracy", ignore_index=False
    )  # fmt: skip
    frame = frame.reset_index().assign(strategy=shape)
    return frame.assign(labels=BATCH * frame["episode"], accuracy=frame["accuracy"].clip(0, 1))


if __name__ == "__main__":
    main()
