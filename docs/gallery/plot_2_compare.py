"""
Which strategy, at which budget
===============================

Left, each strategy against the best at the budget ``at``; differences in the grey band count as
none. Right, the probability of being the best along the budgets: beyond the vertical line it is a
forecast.
"""

import palm_bayes

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
compared = fit.compare(at=240)
figure = compared.plot()

# %%
print(compared.sentence)
