"""How long does a labelling loop wait for `StopMonitor.update`? See README.md.

python benchmarks/monitor.py --curves DIR
"""

import time
import warnings
from collections.abc import Iterator

import pandas as pd
from cells import curves_parser
from stopping_replay import Replay, replays

from palm_bayes import NetValue, PalmWarning, StopMonitor

MOST = 14  # episodes of a run
FIRST = 4  # episodes until the first fit, which compiles

type Row = dict[str, object]


def main() -> None:
    args = curves_parser(__doc__, stride=23).parse_args()
    warnings.simplefilter("ignore", PalmWarning)
    runs = list(replays(args.curves, 1, mean=False))[:: args.stride]
    table = pd.DataFrame([row for run in runs for row in updates(run)])
    seconds = table.groupby("tries of NUTS")["seconds"].describe(percentiles=[0.5, 0.9])
    print(f"{len(runs)} runs; seconds of an update after the first fit, decision and all:")
    print(seconds[["count", "50%", "90%", "max"]].round(2).to_string())
    print(f"At most a second: {(table['seconds'] <= 1).mean():.0%} of {len(table)}")


def updates(run: Replay) -> Iterator[Row]:
    """Tell a monitor the run episode by episode."""
    table = run.runs.table.head(MOST)
    rule = NetValue(label_cost=1, point_value=float(table["labels"].max()) / 30)
    monitor = StopMonitor(rule, strategy=run.key[3], batch=run.runs.batch)
    for episode, (labels, accuracy) in enumerate(
        zip(table["labels"], table["accuracy"], strict=True), 1
    ):
        start = time.perf_counter()
        monitor.update(labels, accuracy)
        seconds = time.perf_counter() - start
        if episode > FIRST:
            tries = int(monitor.fit.convergence.table["attempts"].iloc[0])
            yield {"tries of NUTS": tries, "seconds": seconds}


if __name__ == "__main__":
    main()
