"""Self-contained HTML report of a fit, tables as text, and output files.

The page and the commands show the same sentences, numbers and tables
(`palm_bayes.report.tables`), so that they agree.
"""
