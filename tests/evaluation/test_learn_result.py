"""What learning returns."""

from dataclasses import asdict

import pandas as pd

from palm_bayes.evaluation import learn as learning
from palm_bayes.model.learned import shipped


def test_a_lesson_fits_one_screen():
    lesson = learning.Lesson(shipped(), (), {}, pd.DataFrame(), ())
    words, *lines = repr(lesson).splitlines()
    assert words.startswith("Lesson: learned from 0 fits of tasks from ariapoy, cleanlab")
    assert [line.split()[0] for line in lines[-8:]] == [
        "number", "alpha_start", "beta", *asdict(shipped().misfit)
    ][-8:]  # fmt: skip
