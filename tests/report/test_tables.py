"""Tables of text: those of the commands are those of the page."""

from palm_bayes.report.tables import budgeted, compared, decided


def test_a_page_shows_the_tables_of_the_commands(fit, page, report):
    found = fit.labels_to_reach(0.93, within=600)
    rule = report.questions.stop_rule
    shown = budgeted(found) | compared(fit.compare(600)) | decided(fit.decide(rule))
    cells = [cell for table in shown.values() for cell in table.to_numpy().ravel()]
    assert [cell for cell in cells if cell not in page.text] == []
