"""
Diagnostics with ArviZ
======================

``fit.trace`` is a ``DataTree``: the functions of ArviZ take it. Its group ``sampled`` has each
strategy's own draws, in the order of the chains. The chains should overlap, without trends.
"""

import arviz as az
import matplotlib.pyplot as plt

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
az.plot_trace(
    fit.trace,
    group="sampled",
    var_names=["A_max", "delta", "alpha", "beta"],
    coords={"strategy": ["margin"]},
    col_wrap=2,
    figure_kwargs={"figsize": (9, 6), "layout": "constrained"},
)
figure = plt.gcf()

# %%
# The verdict in one sentence, and whether PALM describes each curve:

print(fit.convergence.sentence)
fit.predictive_check.table[["passed", "finding"]]
