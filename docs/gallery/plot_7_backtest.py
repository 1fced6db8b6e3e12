"""
How far ahead forecasts held
============================

A backtest fits the first episodes of finished curves, and compares the forecast with the rest. Here
it takes two strategies, so that it is quick. Two curves prove little: leave out ``strategies`` to
test all, and use several tasks of your own.
"""

import palm_bayes

tested = palm_bayes.backtest("runs/runs.csv", strategies=["margin", "entropy"], train_episodes=[12])
figure = tested.plot()

# %%
print(tested.sentence)
