"""One self-contained HTML page of a fit: the verdict on top, then all that it rests on.

Its sentences and numbers are those of the results that the commands print, and its tables are
theirs (`palm_bayes.shown`): page and commands cannot disagree.
"""

from palm_bayes.report.contents import Questions, Report, report_of
from palm_bayes.report.page import check_place, html, write

__all__ = ["Questions", "Report", "check_place", "html", "report_of", "write"]
