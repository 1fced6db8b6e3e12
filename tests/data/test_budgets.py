"""Budgets of runs."""

from palm_bayes.data.budgets import episode_budgets


def test_budgets_are_whole_episodes(made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    assert episode_budgets(runs, 71).tolist() == [10, 20, 30, 40, 50, 60, 70, 80]
    assert episode_budgets(runs, 50).tolist() == [10, 20, 30, 40, 50]
