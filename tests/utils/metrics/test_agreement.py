"""Kendall's tau-c: by hand, by counting pairs, and what it refuses."""

from itertools import combinations

import numpy as np
import pytest

from utils.errors import CourseError
from utils.metrics import kendall_tau_c


@pytest.mark.parametrize(
    "scores, ratings, expected",
    [
        ([0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4], 1),
        ([4, 3, 2, 1], [1, 2, 3, 4], -1),
        # 2 pairs in the same order, 6 in the opposite one, 2 tied: 2 * 3 * (2 - 6) / (25 * 2).
        # scipy.stats.kendalltau(variant="c") of SciPy 1.17 says the same.
        ([12, 2, 1, 12, 2], [1, 4, 7, 1, 0], -0.48),
    ],
)
def test_known_values(scores, ratings, expected):
    assert kendall_tau_c(scores, ratings) == pytest.approx(expected)


def test_it_counts_the_pairs_and_ties_are_neither():
    rng = np.random.default_rng(0)
    scores, ratings = rng.integers(0, 9, 60), rng.integers(1, 5, 60)
    pairs = combinations(zip(scores.tolist(), ratings.tolist(), strict=True), 2)
    difference = sum(np.sign((a - c) * (b - d)) for (a, b), (c, d) in pairs)
    assert kendall_tau_c(scores, ratings) == pytest.approx(2 * 4 * difference / (60**2 * 3))
    assert kendall_tau_c(-scores, ratings) == pytest.approx(-kendall_tau_c(scores, ratings))
    assert kendall_tau_c(np.exp(scores), ratings) == kendall_tau_c(scores, ratings)


def test_what_knows_nothing_agrees_with_nothing():
    rng = np.random.default_rng(0)
    assert abs(kendall_tau_c(rng.random(20_000), rng.integers(1, 5, 20_000))) < 0.02


@pytest.mark.parametrize(
    "scores, ratings, message",
    [
        ([1, 2], [1, 2, 3], "2 scores for 3 ratings"),
        ([], [], "no order"),
        ([1, 1], [1, 2], "no order"),
        ([1, 2], [3, 3], "no order"),
    ],
)
def test_bad_input_is_one_clear_sentence(scores, ratings, message):
    with pytest.raises(CourseError, match=message):
        kendall_tau_c(scores, ratings)
