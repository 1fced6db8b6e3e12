"""Active-learning runs: their validated form, checks and an example data set."""

from palm_bayes.data.example import example_runs_path, write_example

__all__ = ["example_runs_path", "write_example"]
