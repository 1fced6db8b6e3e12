"""Settings that stored results depend on, and errors in words."""

from dataclasses import replace

from palm_bayes.evaluation.provenance import in_words, settings_of
from palm_bayes.inference.settings import Settings
from palm_bayes.model.learned import shipped
from palm_bayes.model.priors import named_priors


def test_what_changes_draws_changes_the_settings():
    def of(priors="default", learned=None, **changed):
        return settings_of(priors, learned or shipped(), replace(Settings(), **changed))

    usual = of()
    assert of(cores=1) == of(cores=2) == usual
    misfit = replace(shipped().misfit, scale=0.123)
    for other in (
        of(draws=17),
        of(seed=5),
        of("bounds"),
        of(learned=replace(shipped(), misfit=misfit)),
    ):
        assert other != usual
    assert of(named_priors("default")) != of(named_priors("default"))  # they have no name


def test_an_error_is_one_line_with_its_kind():
    assert in_words(ValueError("two\n  lines ")) == "ValueError: two lines"
