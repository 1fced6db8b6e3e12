"""Answers about a task, and what is set aside."""

import pytest

import palm_bayes
from palm_bayes.errors import DataError, SamplingError
from palm_bayes.evaluation import answers as answering

BAD, GOOD = "margin", "random"  # the strategies of the task with a bad row
FAST = {"draws": 40, "tune": 1, "chains": 2, "seed": 3}


def test_a_strategy_that_cannot_be_sampled_does_not_spoil_its_task(
    quick_sampler, three_tasks, tmp_path, monkeypatch
):
    real = answering.fit_validated

    def fitted(runs, **options):
        if "margin" in runs.strategies:
            raise SamplingError("nutpie: bad initial energy")
        return real(runs, **options)

    monkeypatch.setattr(answering, "fit_validated", fitted)
    found = palm_bayes.sweep(three_tasks.query("dataset == 'digits'"), tmp_path, workers=0, **FAST)
    assert found.verdicts["strategy"].tolist() == ["random"]
    (row,) = found.failures.itertuples(index=False)
    assert (row.strategy, row.question) == ("margin", "fit")
    assert row.reason == "SamplingError: nutpie: bad initial energy"


def test_each_cell_of_a_task_that_cannot_be_read_has_its_own_reason(three_tasks, tmp_path):
    bad = three_tasks.query("dataset == 'bad'").copy()
    bad.loc[bad.index[bad["strategy"] == GOOD][2], "accuracy"] = -4
    reasons = palm_bayes.sweep(bad, tmp_path, workers=0, **FAST).failures.set_index("strategy")
    for name, value in ((BAD, -3), (GOOD, -4)):
        assert reasons.loc[name, "reason"].startswith("DataError: row ")
        assert f"strategy {name}" in reasons.loc[name, "reason"]
        assert f"accuracy is {value}" in reasons.loc[name, "reason"]


def test_what_is_no_fault_of_the_data_is_tried_again(
    quick_sampler, three_tasks, tmp_path, monkeypatch
):
    def broken(*_args, **_options):
        raise OSError("no space left")

    monkeypatch.setattr(answering, "fit_validated", broken)
    one = three_tasks.query("dataset == 'digits'")
    found = palm_bayes.sweep(one, tmp_path, workers=0, **FAST)
    assert found.failures["reason"].unique().tolist() == ["OSError: no space left"]
    assert found.sentence == "0 cells of 0 tasks fitted; 2 set aside."
    monkeypatch.undo()
    monkeypatch.setattr(answering, "fit_validated", lambda *_a, **_o: 1 / 0)
    palm_bayes.sweep(one, tmp_path, workers=0, **FAST)
    assert len(list((tmp_path / "parts").glob("*.part.json"))) == 1  # an error of numbers is kept


def test_one_question_without_an_answer(quick_sampler, three_tasks, tmp_path):
    found = palm_bayes.sweep(
        three_tasks, tmp_path, target=0.9, reference="random", workers=0, **FAST
    )
    assert set(found.labels_to_target["dataset"]) == {"digits", "bad"}
    unanswered = found.failures.query("dataset == 'percent'")  # of which 0.9 is no target
    assert unanswered["question"].tolist() == ["labels_to_target"] * 2
    renamed = three_tasks.copy()
    renamed.loc[
        (three_tasks["dataset"] == "bad") & (three_tasks["strategy"] == GOOD), "strategy"
    ] = "coreset"
    other = palm_bayes.sweep(
        renamed, tmp_path / "other", reference="coreset", workers=0, **FAST
    ).failures
    asked = other[other["dataset"] == "digits"]["question"]
    assert set(asked) == {"comparison", "labels_to_target"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"assurance": 2}, "assurance is 2, but must be above 0 and below 1"),
        ({"target": "high"}, "the target"),
        ({"target": 150}, "the target is 150, but must be above 0 and at most 1"),
        ({"reference": ["random"]}, "no task has the reference"),
        ({"reference": "nobody"}, "no task has the reference 'nobody': there are random, margin"),
        ({"horizon": "far"}, "horizon is 'far', but must be a whole number of episodes"),
        ({"traces": "no"}, "traces is 'no', but must be True or False"),
        ({"fresh": "no"}, "fresh is 'no', but must be True or False"),
        ({"progress": True}, "progress is True, but must be a function"),
        ({"draws": 1}, "draws is 1"),
        ({"priors": "flat"}, "no prior set 'flat'"),
    ],
)
def test_mistakes_write_nothing(three_tasks, tmp_path, options, said):
    with pytest.raises(DataError, match=said):
        palm_bayes.sweep(three_tasks, tmp_path / "out", workers=0, **(FAST | options))
    assert not (tmp_path / "out").exists()
