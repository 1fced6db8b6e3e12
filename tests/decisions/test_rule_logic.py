"""Rules combined: three-valued logic."""

import pytest

from palm_bayes.decisions.rule_logic import AllOf, AnyOf
from palm_bayes.decisions.stopping_rules import Budget, Plateau, Pool, Target

TRUTH = {
    (True, True): (True, True),
    (True, False): (True, False),
    (True, None): (True, None),
    (False, False): (False, False),
    (False, None): (None, False),
    (None, None): (None, None),
}


@pytest.mark.parametrize(("pair", "wanted"), TRUTH.items())
def test_three_valued_logic(pair, wanted):
    from palm_bayes.decisions.rule_logic import Finding

    a, b = Target(0.8), Target(0.9)
    findings = {rule: Finding("", stop, "") for rule, stop in zip((a, b), pair, strict=True)}
    assert ((a | b).verdict(findings), (a & b).verdict(findings)) == wanted
    assert ((b | a).verdict(findings), (b & a).verdict(findings)) == wanted


def test_rules_nest():
    rule = (Target(0.9) & Plateau(0.01, 10)) | Budget(500) | Target(0.9)
    assert isinstance(rule, AnyOf)
    assert rule.leaves() == (Target(0.9), Plateau(0.01, 10), Budget(500))
    assert isinstance(rule & Pool(9), AllOf)
