"""
A figure for one column of a paper
==================================

Three strategies in one panel, 3.4 inches wide: the median of the expected curve, its 80 % band,
and the observed means.
"""

import matplotlib.pyplot as plt

import palm_bayes

SHOWN = {"margin": "#009E73", "typiclust": "#E69F00", "random": "#0072B2"}

fit = palm_bayes.PalmFit.load("palm_fit_out/trace.nc")
curves = fit.forecast(horizon=12).to_frame()
means = fit.runs.table.groupby(["strategy", "labels"], as_index=False)["accuracy"].mean()

figure, ax = plt.subplots(figsize=(3.4, 2.6), layout="constrained")
for name, colour in SHOWN.items():
    curve = curves[curves["strategy"] == name]
    seen = means[means["strategy"] == name]
    ax.fill_between(curve["labels"], curve["q10"], curve["q90"], color=colour, alpha=0.25, lw=0)
    ax.plot(curve["labels"], curve["q50"], color=colour, lw=1.2, label=name)
    ax.plot(seen["labels"], seen["accuracy"], "o", color=colour, ms=2.5)
ax.axvline(fit.runs.table["labels"].max(), color="0.6", lw=0.8, ls="--")
ax.set(xlabel="Labels", ylabel="Test accuracy", ylim=(0.6, 1))
ax.legend(frameon=False, fontsize=8, loc="lower right")
ax.spines[["top", "right"]].set_visible(False)

# %%
# Save it as a vector graphic: ``figure.savefig("curves.pdf")``. A caption to copy:
#
#    Test accuracy against labels. Dots: means of five repetitions. Lines and bands: posterior
#    median and 80 % credible band of the expected PALM curve (palm_bayes); right of the dashed
#    line it is a forecast.
