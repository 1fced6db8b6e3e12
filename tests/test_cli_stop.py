"""`palm-bayes stop`, with the fit of all tests in place of a saved one."""

import json

import pytest

from palm_bayes import cli
from palm_bayes._source import Source


@pytest.fixture
def run(fit, monkeypatch, capsys, tmp_path):
    """Return a function that runs `stop` on the fit, and gives status, stdout and stderr."""
    monkeypatch.setattr(Source, "fit", lambda source, step, note: fit)

    def stop(*args):
        status = cli.main(["stop", str(tmp_path), *map(str, args)])
        return status, *capsys.readouterr()

    return stop


def test_it_says_what_to_do_and_why(run):
    status, out, _ = run("--target", 0.5)
    assert status == 0
    assert "target 0.5 reached with 80 %" in out
    assert "Stop at 240 labels with" in out
    assert "would change with a target above" in out


def test_json_has_the_decision_and_its_numbers(run, fit):
    options = ("--target", 0.99, "--budget", 300, "--with", "random", "--json")
    status, out, _ = run(*options)
    told = json.loads(out)
    assert status == 0
    assert told["action"] in {"continue", "stop", "switch"}
    assert told["labels"] == 240
    assert [f["rule"].split()[0] for f in told["findings"]][:3] == ["target", "target", "budget"]
    assert told["converged"] is True


def test_all_rules_can_be_asked_for(run):
    _, out, _ = run(
        *("--target", 0.9, "--budget", 300, "--pool", 500, "--min-gain", 0.01, "--within", 60),
        *("--label-cost", 1, "--point-value", 5, "--episode-cost", 2, "--json"),
    )
    rules = [finding["rule"] for finding in json.loads(out)["findings"]]
    assert rules == [
        "target 0.9 reached with 80 %",
        "target 0.9 within 300 labels under 5 %",
        "gain under 0.01 by 60 more labels with 80 %",
        "no net value at 1 a label, 5 a point",
        "budget of 300 labels spent",
        "pool of 500 labels spent",
    ]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "No stop rule is given"),
        (("--budget", 500), "No stop rule is given"),
        (("--min-gain", 0.01), "--min-gain needs --within"),
        (("--point-value", 1), "--point-value needs --label-cost"),
        (("--target", 90), "the target is 90, allowed is above 0 to 1"),
        (("--target", -1), "accuracy is -1, allowed is a number above 0"),
        (("--target", 0.9, "--assurance", 80), "probability is 80"),
        (("--target", 0.9, "--budget", 100), "the budget is 100, but 240 labels are spent with"),
        (("--target", 0.9, "--pool", 100), "the pool is 100, but 240 labels are spent with"),
        (("--target", 0.9, "--with", "rndom"), "did you mean 'random'?"),
    ],
)
def test_bad_input_is_one_line(run, args, message):
    status, out, err = run(*args, "--quiet")
    assert status == 2
    assert out == ""
    assert err.startswith("palm-bayes: error: ")
    assert message in err
    assert len(err.splitlines()) == 1
