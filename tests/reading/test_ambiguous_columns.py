"""Columns that may be measures."""

import pytest

from palm_bayes.reading.ambiguous_columns import several_measures


@pytest.mark.parametrize(
    ("names", "several"),
    [
        ("margin random", False),
        ("acc_1 acc_2 acc_3", False),
        ("margin_acc random_acc", False),
        ("margin_acc_1 margin_acc_2", False),
        ("err_1 err_2", False),
        ("margin_r1 margin_r2 random_r1 random_r2", False),
        ("r1_margin r2_margin", False),
        ("acc_r2 acc_r3 acc_f1", True),
        ("acc1 acc5", True),
        ("f1_0 f1_1", True),
        ("AP50 AP75", True),
        ("mAP50(B) mAP50-95(B)", True),
        ("mAP@0.5 mAP@0.75", True),
        ("R@1 R@5", True),
        ("top-1_acc top-5_acc", True),
        ("kappa mcc", True),
        ("margin_train margin_test", True),
        ("acc_1 acc_2 f1_1 f1_2", True),
    ],
)
def test_names_of_measures(names, several):
    assert several_measures(names.split()) == several
