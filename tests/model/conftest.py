"""Runs of unlike lengths."""

import pandas as pd
import pytest

from palm_bayes.data.runs import Runs


def _made(strategies=2, episodes=(5, 7), first=1):
    """Runs of unlike lengths; the second repetition of every strategy misses an episode."""
    rows = [
        (f"s{i}", str(r), e, 20.0 * e, 0.9 - 0.5 * 0.7**e - 0.01 * i + 0.005 * (-1) ** (r + e))
        for i in range(strategies)
        for r, last in enumerate(episodes)
        for e in range(first, last + first)
        if (r, e) != (1, 3)
    ]
    columns = ["strategy", "repetition", "episode", "labels", "accuracy"]
    return Runs.from_frame(pd.DataFrame(rows, columns=columns))


@pytest.fixture(scope="session")
def make_runs():
    return _made


@pytest.fixture(scope="session")
def runs():
    return _made()
