"""Do bands hold on curves that were never used in choosing anything: digits, three classifiers?

python scripts/make_digits.py --model forest --out forest
python scripts/make_digits.py --model mlp --out mlp
python benchmarks/digits.py palm_bayes/data/example forest mlp

Each folder holds the ``runs.csv`` that the script made. As `palm-bayes demo` does, its strategies
are fitted to their first 12 of 30 episodes, and the shares printed of the later accuracies of each
repetition that came inside the bands.
"""

import argparse
from pathlib import Path

import pandas as pd

import palm_bayes

FITTED = 12  # episodes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    for folder in parser.parse_args().folders:
        table = held(folder / "runs.csv").to_string(na_rep="")
        print(f"\n{folder.name}\n{table}")


def held(path: Path) -> pd.DataFrame:
    """Return shares inside the bands, in percent; and the error of the median, in points."""
    truth = palm_bayes.read(path)
    fit = palm_bayes.fit(truth.first(FITTED))
    later = int(truth.table["episode"].max()) - FITTED
    forecast = fit.forecast(horizon=later, scope="continuing")
    inside = forecast.coverage(truth).set_index("points", append=True).mul(100).round()
    inside = inside.astype(int).reset_index("points")
    return inside.assign(error=_error(fit.forecast(horizon=later), truth).mul(100).round(1))


def _error(expected: palm_bayes.Forecast, truth: palm_bayes.Runs) -> "pd.Series[float]":
    """Return the median at the last episode less the observed mean, a fraction, by strategy."""
    last = truth.table[truth.table["episode"] == truth.table["episode"].max()]
    came = last.groupby("strategy")["accuracy"].mean()
    median = expected.draws.isel(x=-1).median(("chain", "draw")).to_series()
    return median - came


if __name__ == "__main__":
    main()
