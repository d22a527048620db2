"""BLEU by hand, and where the COCO toolkit's smoothing shows."""

import math
import warnings

import numpy as np
import pytest

from utils.metrics import bleu_4_scores, score_captions


def test_bleu_brevity_penalty_takes_the_shorter_of_two_equally_close_references():
    # Four words against references of three and five: no penalty, for three is the closest.
    references = [["one two three", "one two three four five"]]
    assert score_captions(["one two three four"], references)["bleu_1"] == pytest.approx(100)
    short = score_captions(["one two"], [["one two three"]])["bleu_1"]
    assert short == pytest.approx(100 * math.exp(1 - 3 / 2))


def test_bleu_4_of_single_captions_by_hand():
    references = [["a dog runs over the grass"], ["a dog runs over the grass"]]
    scores = bleu_4_scores(["a dog runs over the grass", "a dog runs on the grass"], references)
    assert scores[0] == pytest.approx(1)
    # 5 of 6 words, 3 of 5 pairs, 1 of 4 triples, 0 of 3 fours; one more of each from the pairs on.
    assert scores[1] == pytest.approx((5 / 6 * 4 / 6 * 2 / 5 * 1 / 4) ** 0.25)


@pytest.mark.parametrize(
    "hypotheses, references, expected",
    [
        (["a dog"], [["A dog."]], [100, 100, 1, 0.1]),
        (["dog"], [["Dog!"]], [100, 0.1, 0.01, 0.00316228]),
        (
            ["a dog", "dog"],
            [["a dog runs"], ["dog"]],
            [71.6531310, 71.6531310, 0.716531310, 0.0716531310],
        ),
        (
            ["", "a dog"],
            [["a dog runs"], ["a dog"]],
            [22.3130160, 22.3130160, 0.223130160, 0.0223130160],
        ),
        (["dog a the"], [["the big dog", "a dog"]], [100, 2.23607e-6, 7.937e-9, 8.409e-8]),
        (
            ["nothing fits"] * 2,
            [["a dog"], ["two cats"]],
            [2.5e-14, 3.5355e-14, 5e-11, 1.8803e-9],
        ),
        (["", ""], [["a dog"], ["cat"]], [0, 0, 0, 0]),
    ],
)
def test_orders_without_an_n_gram_that_fits_score_as_in_the_toolkit(
    hypotheses, references, expected
):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_captions(hypotheses, references)
    bleu = [scores[f"bleu_{n}"] for n in (1, 2, 3, 4)]
    np.testing.assert_allclose(bleu, expected, rtol=1e-3)
