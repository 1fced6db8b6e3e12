"""
How many labels for a target
============================

The probability that a strategy has reached the target, at every budget.
"""

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
found = fit.labels_to_reach(0.94, assurance=0.8, until=600)
figure = found.plot()

# %%
print(found.sentence)
