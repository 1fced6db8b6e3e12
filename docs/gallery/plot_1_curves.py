"""
Curves and bands, with the later data
=====================================

Filled dots were fitted, open dots are the later data. The bands are those of a new repetition, the
thin lines the limits of the expected curve.
"""

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
everything = palm_bayes.read("runs/runs.csv")
figure = fit.plot(truth=everything)

# %%
# *least_confidence* and *entropy* rose mostly above their 80 % bands: a forecast can be wrong far
# ahead. This is the share of the later accuracies in the bands of the continuing repetitions:

fit.forecast(horizon=18, scope="continuing").coverage(everything)
