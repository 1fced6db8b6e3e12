"""Make the example curves that palm_bayes ships: active learning on scikit-learn's digits.

Six query strategies label a pool of 1,297 images, 20 at a time, for 30 episodes and five
repetitions; after every episode a logistic regression is scored on the same 500 test images.

Every number is reproducible. All randomness comes from the repetition's seed, numerical libraries
run on one thread, the classifier is solved to convergence (a strictly convex problem: one
solution), scores are compared after rounding so that the last bits of a sum cannot reorder a
query, and an accuracy is a count out of 500.

Usage
-----
::

    python scripts/make_digits.py            # write the files
    python scripts/make_digits.py --check    # recompute them and compare; exit 1 if they differ

``--model forest`` and ``--model mlp`` make curves of other classifiers, which are not shipped: data
that no number of palm_bayes was chosen by. ``--out`` says where to.
"""

import argparse
import csv
import io
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

type Indices = npt.NDArray[np.intp]
type Floats = npt.NDArray[np.float64]

DATASET = "digits"
REPETITIONS = range(1, 6)
EPISODES = 30
BATCH = 20
TEST_SIZE = 500
PENALTY_C = 0.2  # strong shrinkage: curves rise slowly and strategies stay apart
MAX_CLUSTERS = 120  # TypiClust: some ten images each
MIN_CLUSTER_SIZE = 5  # TypiClust's own value: smaller clusters are outliers
NEIGHBOURS = 20  # TypiClust's own value
LLOYD_ITERATIONS = 100  # at most; it settles in far fewer
GRID = 2.0**-12
DECIMALS = 9  # scores closer than this count as ties, which the lower index wins
COLUMNS = ("dataset", "model", "strategy", "repetition", "episode", "labels", "accuracy")
DATA_FOLDER = Path(__file__).resolve().parents[1] / "palm_bayes" / "data" / "example"


# --- the task ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """The fixed split: a pool to query and a test set to score on.

    Attributes
    ----------
    pool, test : ndarray of float, shape (n, 64)
        Pixels in [0, 1].
    pool_classes, test_classes : ndarray of int, shape (n,)
        The digit that each image shows.
    """

    pool: Floats
    pool_classes: Indices
    test: Floats
    test_classes: Indices


@dataclass(frozen=True)
class Query:
    """All that a strategy may look at when it chooses a batch.

    Attributes
    ----------
    pool : ndarray of float, shape (n_pool, 64)
        Pixels in [0, 1] of every image, labelled or not.
    labelled : ndarray of int, shape (n_labelled,)
        Pool indices labelled so far.
    probabilities : ndarray of float, shape (n_pool, n_classes)
        Class probabilities by the current classifier; no columns before the first fit.
    rng : numpy.random.Generator
        The strategy's own source of randomness.
    """

    pool: Floats
    labelled: Indices
    probabilities: Floats
    rng: np.random.Generator

    @property
    def unlabelled(self) -> Indices:
        """Pool indices still without a label, ascending."""
        return np.setdiff1d(np.arange(len(self.pool)), self.labelled)


type Strategy = Callable[[Query], Indices]


def load_task() -> Task:
    """Split the digits once, with the classes in proportion.

    Returns
    -------
    Task
        1,297 images to query and 500 to test on, the same in every repetition.
    """
    pixels, classes = load_digits(return_X_y=True)
    pool, test, pool_classes, test_classes = train_test_split(
        pixels / 16, classes, test_size=TEST_SIZE, stratify=classes, random_state=0
    )
    return Task(pool, pool_classes, test, test_classes)


# --- the strategies ---------------------------------------------------------------------------


def random(query: Query) -> Indices:
    """Draw a batch uniformly: the baseline every strategy has to beat."""
    return query.rng.choice(query.unlabelled, BATCH, replace=False)


def least_confidence(query: Query) -> Indices:
    """Take the images whose most probable class is least probable.

    References
    ----------
    Lewis and Gale (1994), "A sequential algorithm for training text classifiers", SIGIR.
    """
    return _highest(query, 1 - query.probabilities.max(axis=1))


def margin(query: Query) -> Indices:
    """Take the images whose two most probable classes are closest.

    References
    ----------
    Scheffer, Decomain and Wrobel (2001), "Active hidden Markov models for information
    extraction", IDA.
    """
    ascending = np.sort(query.probabilities, axis=1)
    return _highest(query, ascending[:, -2] - ascending[:, -1])


def entropy(query: Query) -> Indices:
    """Take the images whose class distribution has the largest entropy.

    References
    ----------
    Shannon (1948), "A mathematical theory of communication", Bell System Technical Journal 27;
    as a query strategy: Settles (2009), "Active learning literature survey", section 3.1.
    """
    p = np.maximum(query.probabilities, np.finfo(float).tiny)
    return _highest(query, -(p * np.log(p)).sum(axis=1))


def coreset(query: Query) -> Indices:
    """Take, one by one, the image farthest from everything labelled (k-centre greedy).

    References
    ----------
    Sener and Savarese (2018), "Active learning for convolutional neural networks: a core-set
    approach", ICLR, algorithm 1. Distances are taken between pixels, which are all that a
    logistic regression sees.
    """
    to_nearest = _squared_distances(query.pool, query.pool[query.labelled]).min(axis=1)
    chosen = []
    for _ in range(BATCH):
        farthest = int(to_nearest.argmax())
        chosen.append(farthest)
        to_new = _squared_distances(query.pool, query.pool[[farthest]])[:, 0]
        to_nearest = np.minimum(to_nearest, to_new)
    return np.array(chosen)


def typiclust(query: Query) -> Indices:
    """Take the most typical image of each of the largest clusters that hold fewest labels.

    The pool is cut into as many clusters as there will be labels, at most `MAX_CLUSTERS`. It
    needs no classifier, and so chooses its first batch too.

    References
    ----------
    Hacohen, Dekel and Weinshall (2022), "Active learning on a budget: opposite strategies suit
    high and low budgets", ICML, algorithm 1, on pixels in place of self-supervised features.
    """
    n_clusters = min(len(query.labelled) + BATCH, MAX_CLUSTERS)
    cluster_of = _k_means(query.pool, n_clusters, query.rng)
    is_labelled = np.zeros(len(query.pool), dtype=bool)
    is_labelled[query.labelled] = True
    chosen: list[int] = []
    while len(chosen) < BATCH:  # again from the first cluster when there are fewer than BATCH
        for cluster in _by_need(cluster_of, is_labelled)[: BATCH - len(chosen)]:
            best = _most_typical(query.pool, np.flatnonzero(cluster_of == cluster), is_labelled)
            is_labelled[best] = True
            chosen.append(best)
    return np.array(chosen)


STRATEGIES: dict[str, Strategy] = {
    "random": random,
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
    "coreset": coreset,
    "typiclust": typiclust,
}


def _highest(query: Query, scores: Floats) -> Indices:
    """Return the unlabelled images with the highest scores, shape (BATCH,)."""
    unlabelled = query.unlabelled
    order = np.argsort(-scores[unlabelled].round(DECIMALS), kind="stable")
    return unlabelled[order[:BATCH]]


def _squared_distances(points: Floats, others: Floats) -> Floats:
    """Return squared Euclidean distances, shape (n_points, n_others).

    Exact, whatever the order of summation: pixels are multiples of 1/16, centres of `GRID`.
    """
    norms = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)
    return norms - 2 * points @ others.T


def _k_means(points: Floats, n_clusters: int, rng: np.random.Generator) -> Indices:
    """Return the cluster of each point, shape (n_points,).

    Lloyd's iterations from k-means++ (Arthur and Vassilvitskii 2007, SODA). scikit-learn's differ
    with the processor; here every sum is exact, since centres are rounded to multiples of `GRID`.
    """
    centres = points[_spread_out(points, n_clusters, rng)]
    cluster_of = _squared_distances(points, centres).argmin(axis=1)
    for _ in range(LLOYD_ITERATIONS):
        for cluster in np.unique(cluster_of):  # an empty cluster keeps its centre
            mean = points[cluster_of == cluster].mean(axis=0)
            centres[cluster] = (mean / GRID).round() * GRID
        previous, cluster_of = cluster_of, _squared_distances(points, centres).argmin(axis=1)
        if np.array_equal(cluster_of, previous):
            break
    return cluster_of


def _spread_out(points: Floats, n_chosen: int, rng: np.random.Generator) -> list[int]:
    """Draw points, each with probability proportional to its squared distance to those drawn."""
    chosen = [int(rng.integers(len(points)))]
    to_nearest = _squared_distances(points, points[chosen])[:, 0]
    while len(chosen) < n_chosen:
        cumulative = to_nearest.cumsum()
        threshold = rng.random() * cumulative[-1]
        chosen.append(int(cumulative.searchsorted(threshold, side="right")))
        to_new = _squared_distances(points, points[chosen[-1:]])[:, 0]
        to_nearest = np.minimum(to_nearest, to_new)
    return chosen


def _by_need(cluster_of: Indices, is_labelled: npt.NDArray[np.bool_]) -> Indices:
    """Return the clusters worth a query: fewest labels first, then the largest.

    Clusters below `MIN_CLUSTER_SIZE`, or with nothing left to label, are left out.
    """
    sizes = np.bincount(cluster_of)
    labels = np.bincount(cluster_of[is_labelled], minlength=len(sizes))
    order = np.lexsort((-sizes, labels))
    return order[((sizes >= MIN_CLUSTER_SIZE) & (labels < sizes))[order]]


def _most_typical(pool: Floats, members: Indices, is_labelled: npt.NDArray[np.bool_]) -> int:
    """Return the unlabelled member with the smallest mean distance to its nearest neighbours.

    Typicality is the inverse of that mean; neighbours are sought within the cluster, among at
    most half of it, as in the authors' code.
    """
    distances = np.sqrt(_squared_distances(pool[members], pool[members]))
    neighbours = min(NEIGHBOURS, len(members) // 2)
    nearest = np.sort(distances, axis=1)[:, 1 : neighbours + 1]  # column 0 is the image itself
    remoteness = nearest.mean(axis=1).round(DECIMALS)
    remoteness[is_labelled[members]] = np.inf
    return int(members[remoteness.argmin()])


# --- the classifiers --------------------------------------------------------------------------

MODELS: dict[str, Callable[[], ClassifierMixin]] = {
    "logistic": lambda: LogisticRegression(C=PENALTY_C, solver="newton-cholesky", tol=1e-8),
    "forest": lambda: RandomForestClassifier(random_state=0),
    "mlp": lambda: MLPClassifier(
        32, alpha=1, solver="lbfgs", tol=1e-2, max_iter=1000, random_state=0
    ),
}
SHIPPED = "logistic"


# --- the loop ---------------------------------------------------------------------------------


def run(name: str, model: str, seed: int) -> Floats:
    """Run one repetition of one strategy.

    Parameters
    ----------
    name : str
        A key of `STRATEGIES`.
    model : str
        A key of `MODELS`.
    seed : int
        Fixes the first batch, which all strategies of a seed share except TypiClust, and every
        later draw.

    Returns
    -------
    ndarray of float, shape (EPISODES,)
        Test accuracy in [0, 1] after each episode.
    """
    with threadpool_limits(limits=1):
        return np.array(_correct(load_task(), name, model, seed)) / TEST_SIZE


def _correct(task: Task, name: str, model: str, seed: int) -> list[int]:
    """Return how many test images are classified correctly after each episode."""
    rng = np.random.default_rng([seed, list(STRATEGIES).index(name)])
    labelled = first_batch(task, name, seed, rng)
    classifier = fit(task, labelled, model)
    correct = [n_correct(task, classifier)]
    while len(correct) < EPISODES:
        query = Query(task.pool, labelled, classifier.predict_proba(task.pool), rng)
        labelled = np.concatenate([labelled, STRATEGIES[name](query)])
        classifier = fit(task, labelled, model)
        correct.append(n_correct(task, classifier))
    return correct


def first_batch(task: Task, name: str, seed: int, rng: np.random.Generator) -> Indices:
    """Choose episode 1: at random by the seed alone, or by TypiClust itself."""
    untrained = np.empty((len(task.pool), 0))
    nothing = np.empty(0, dtype=np.intp)
    if name == "typiclust":
        return typiclust(Query(task.pool, nothing, untrained, rng))
    return random(Query(task.pool, nothing, untrained, np.random.default_rng(seed)))


def fit(task: Task, labelled: Indices, model: str) -> ClassifierMixin:
    """Fit the classifier to convergence on the labelled images."""
    return MODELS[model]().fit(task.pool[labelled], task.pool_classes[labelled])


def n_correct(task: Task, classifier: ClassifierMixin) -> int:
    """Count the test images that the classifier gets right."""
    return int((classifier.predict(task.test) == task.test_classes).sum())


# --- the files --------------------------------------------------------------------------------


def make_files(model: str) -> dict[str, bytes]:
    """Run everything, one process per core; a run does not depend on the others.

    Parameters
    ----------
    model : str
        A key of `MODELS`.

    Returns
    -------
    dict of str to bytes
        What each file holds, by its path relative to the output folder.
    """
    runs = list(product(STRATEGIES, [model], REPETITIONS))
    with ProcessPoolExecutor() as workers:
        accuracies = dict(zip(runs, workers.map(run, *zip(*runs, strict=True)), strict=True))
    labels = BATCH * np.arange(1, EPISODES + 1)
    files = {"runs.csv": _csv(accuracies, labels)}
    for (name, _, seed), accuracy in accuracies.items():
        folder = f"{DATASET}/{name}_{seed}"
        files[f"{folder}/plot_episode_xvalues.npy"] = _npy(labels)
        files[f"{folder}/plot_episode_yvalues.npy"] = _npy(accuracy)
    return files


def _csv(accuracies: dict[tuple[str, str, int], Floats], labels: Indices) -> bytes:
    """Return the tidy table, one row per strategy, repetition and episode."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for (name, model, seed), accuracy in accuracies.items():
        points = zip(labels.tolist(), accuracy.tolist(), strict=True)
        for episode, (count, value) in enumerate(points, start=1):
            table.writerow([DATASET, model, name, seed, episode, count, value])
    return text.getvalue().encode()


def _npy(values: npt.NDArray[np.generic]) -> bytes:
    """Return the bytes of an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def write(files: dict[str, bytes], out: Path) -> None:
    """Write the files, each to a temporary neighbour first so that none is ever half written."""
    for name, content in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as scratch:
            fresh = Path(scratch) / path.name
            fresh.write_bytes(content)
            fresh.replace(path)


def differences(files: dict[str, bytes], out: Path) -> Iterator[str]:
    """Yield one line for every file in `out` that is missing, different or not ours."""
    for name, content in files.items():
        if not (out / name).is_file():
            yield f"missing: {out / name}"
        elif (out / name).read_bytes() != content:
            yield f"different: {out / name}"
    for path in sorted((out / DATASET).rglob("*.npy")):
        if path.relative_to(out).as_posix() not in files:
            yield f"unexpected: {path}"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the example data, or check what is there. Return the exit status."""
    parser = argparse.ArgumentParser(description="Make the example curves palm_bayes ships.")
    parser.add_argument(
        "--out", type=Path, default=DATA_FOLDER, help="folder to write to (default: %(default)s)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the files would change"
    )
    parser.add_argument(
        "--model", choices=MODELS, default=SHIPPED, help="classifier (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    if arguments.model != SHIPPED and arguments.out == DATA_FOLDER:
        parser.error(f"curves of {arguments.model} are not shipped: say by --out where to")
    files = make_files(arguments.model)
    if not arguments.check:
        write(files, arguments.out)
        print(f"wrote {len(files)} files to {arguments.out}")
        return 0
    found = list(differences(files, arguments.out))
    print("\n".join(found) or f"{len(files)} files in {arguments.out} are as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
