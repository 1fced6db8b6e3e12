"""
Curves with their bands, and what came later
============================================

Six strategies on scikit-learn's digits. Filled dots were fitted, open dots came later.
"""

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
everything = palm_bayes.read_runs("runs/runs.csv")
figure = fit.plot(truth=everything)
