"""
Which strategy, at which budget
===============================

Left, the probability of each strategy to be the best, along the budgets; the dashed line ends the
data. ``at`` is the budget that the sentence is about.
"""

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
compared = fit.compare(at=240)
figure = compared.plot()

# %%
print(compared.sentence)
