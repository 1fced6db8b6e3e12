"""One self-contained HTML page of a fit, its tables as text, and its files.

Sentences and numbers of the page are those of the results that the commands print, and its tables
are theirs (`palm_bayes.report.tables`): page and commands cannot disagree.
"""
