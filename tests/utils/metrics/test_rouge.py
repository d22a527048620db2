"""ROUGE-L by hand."""

import pytest

from utils.metrics import rouge_l_scores


def test_rouge_l_by_hand():
    # The longest common subsequence is "a dog the grass": 4 of 5 words, and 4 of 6.
    (score,) = rouge_l_scores(["a dog on the grass"], [["a big dog in the grass"]])
    precision, recall = 4 / 5, 4 / 6
    assert score == pytest.approx(2.44 * precision * recall / (recall + 1.44 * precision))
