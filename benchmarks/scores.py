"""Do error rates forecast as accuracies do, and does it help to subtract chance? See README.md.

python benchmarks/scores.py --curves DIR --out scores --cells 60
"""

from pathlib import Path

import numpy as np
import pandas as pd
from cells import TASK, curves_parser
from forecast import KEY, curves

from palm_bayes import Backtest, backtest
from palm_bayes.data.quantiles import QUANTILE_NAMES
from palm_bayes.evaluation.scores import inside

SOURCE, SEED = "lcdb", 0
# Numbers of classes in OpenML; the other data sets of LCDB have two.
CLASSES = {
    14: 10, 23: 3, 28: 10, 32: 10, 54: 4, 57: 4, 182: 6, 184: 18, 188: 5, 299: 15, 389: 17,
    392: 10, 393: 6, 398: 20, 399: 10, 554: 10, 1233: 7, 1457: 50, 1468: 9, 1477: 6, 1483: 11,
    1503: 10, 1567: 10, 4538: 5, 40498: 7, 40664: 4, 40672: 8, 40677: 10, 40687: 6, 40982: 7,
    40984: 7, 41163: 5, 41164: 7, 41168: 4, 41972: 8, 42734: 3,
}  # fmt: skip
VARIANTS = ("accuracy", "error", "above chance")
WHERE = [*KEY, "scope", "repetition", "episode"]


def main() -> None:
    parser = curves_parser(__doc__, out="scores")
    parser.add_argument("--cells", type=int, default=60, help="number of cells, drawn at random")
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="by default all")
    args = parser.parse_args()
    table = chosen(curves(args.curves), args.cells)
    rows = {
        name: forecasts(table, name, args.out / name.replace(" ", "_"))
        for name in args.variant or VARIANTS
    }
    shown = pd.concat({name: judged(of, table) for name, of in rows.items()}, names=["variant"])
    print(shown.swaplevel().sort_index().round(2).to_string())


def chosen(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Draw cells of LCDB, and add the accuracy of a guess among the classes."""
    table = table[table["source"] == SOURCE]
    cells = table[TASK].drop_duplicates()
    table = table.merge(cells.sample(n=min(count, len(cells)), random_state=SEED))
    number = table["dataset"].str.removeprefix("openml-").astype(int)
    return table.assign(chance=1 / number.map(CLASSES).fillna(2))


def forecasts(table: pd.DataFrame, variant: str, out: Path) -> pd.DataFrame:
    """Forecast one variant of the scores; quantiles are given back as accuracies."""
    chance = table["chance"]
    given = {
        "accuracy": table["accuracy"],
        "error": 1 - table["accuracy"],
        "above chance": ((table["accuracy"] - chance) / (1 - chance)).clip(lower=0),
    }[variant]
    data = table.assign(accuracy=given).drop(columns="chance")
    turned = variant == "error"
    found: Backtest = backtest(
        data, out=out, percent=False, lower_is_better=turned, metric=variant, cores=1
    )
    rows = found.forecasts.copy()
    if turned:
        rows[QUANTILE_NAMES] = 1 - rows[QUANTILE_NAMES[::-1]].to_numpy()
    if variant == "above chance":
        of = rows["dataset"].map(table.drop_duplicates("dataset").set_index("dataset")["chance"])
        rows[QUANTILE_NAMES] = rows[QUANTILE_NAMES].mul(1 - of, axis=0).add(of, axis=0)
    return rows


def judged(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Compare forecasts with the accuracies themselves, in points and percent, by scope.

    The pinball loss of the seven quantiles, twice its mean, stands for the CRPS.
    """
    single = table.assign(scope="repetition").drop(columns=["labels", "chance"])
    mean = single.groupby([*KEY[:-1], "episode"], as_index=False)["accuracy"].mean()
    truth = pd.concat([single, mean.assign(scope="mean", repetition="")])
    rows = rows.merge(truth, on=[name for name in WHERE if name != "train_episodes"])
    rows["observed"] = rows["accuracy"]
    level = np.array([float(name[1:]) for name in QUANTILE_NAMES]) / 100
    off = rows["accuracy"].to_numpy()[:, None] - rows[QUANTILE_NAMES].to_numpy()
    rows["pinball"] = 200 * np.maximum(level * off, (level - 1) * off).mean(axis=1)
    rows["error of the median"] = 100 * np.abs(off[:, QUANTILE_NAMES.index("q50")])
    rows["80 % band held"] = 100 * inside(rows, 80)
    return rows.groupby("scope")[["pinball", "error of the median", "80 % band held"]].mean()


if __name__ == "__main__":
    main()
