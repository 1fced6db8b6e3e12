"""
How far ahead forecasts held
============================

A backtest fits the first episodes of finished curves and compares the forecast with the rest. One
good and one bad strategy here, so that it is quick; leave out ``strategies`` for all.
"""

import palm_bayes

tested = palm_bayes.backtest("runs/runs.csv", strategies=["margin", "entropy"], train_episodes=[12])
figure = tested.plot()

# %%
print(tested.sentence)
