"""The bootstrap over pictures: drawn sets, their scores, paired differences."""

import numpy as np
import pandas as pd
import pytest

from utils.errors import CourseError
from utils.metrics import (
    bootstrap_intervals,
    draw_pictures,
    intervals_of,
    resampled_scores,
    score_captions,
)

SAID = ["a dog runs on the grass", "two cats sit", "a boat", "a bird flies over a red house"]
REFERENCES = [
    ["a dog runs on grass", "the brown dog is running on the grass"],
    ["two cats sit on a chair", "cats"],
    ["a boat at sea", "a small boat"],
    ["a bird over a house", "a bird flies over a house"],
]


def test_a_set_holds_as_many_pictures_as_there_are():
    drawn = draw_pictures(50, 3)
    assert drawn.shape == (1000, 50) and (drawn.sum(axis=1) == 50).all() and drawn.min() == 0
    np.testing.assert_array_equal(draw_pictures(50, 3), drawn)
    assert (draw_pictures(50, 4) != drawn).any()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(50), abs=0.15)


def test_the_test_set_itself_has_its_own_scores():
    found = resampled_scores(SAID, REFERENCES, np.ones((1, 4), int))
    assert found.iloc[0].to_dict() == pytest.approx(score_captions(SAID, REFERENCES))


def test_a_drawn_set_scores_what_its_captions_score():
    found = resampled_scores(SAID, REFERENCES, np.array([[0, 2, 1, 1]])).iloc[0]
    rows = [1, 1, 2, 3]
    expected = score_captions([SAID[row] for row in rows], [REFERENCES[row] for row in rows])
    del expected["cider_d"]  # its document frequencies stay those of all pictures
    assert found[list(expected)].to_dict() == pytest.approx(expected)


def test_the_interval_holds_the_score_and_is_that_of_the_notebook():
    intervals = intervals_of(resampled_scores(SAID, REFERENCES, draw_pictures(4, 5)))
    for name, score in score_captions(SAID, REFERENCES).items():
        low, high = intervals[name]
        assert low <= score <= high
    assert intervals == bootstrap_intervals(SAID, REFERENCES, 5)


def test_what_is_hard_for_both_is_not_in_a_paired_difference():
    drawn = draw_pictures(4)
    good, bad = (resampled_scores(said, REFERENCES, drawn) for said in (SAID, ["a"] * 4))
    assert all(ends == [0, 0] for ends in intervals_of(good - good).values())
    low, high = intervals_of(good - bad)["rouge_l"]
    scores = [score_captions(said, REFERENCES)["rouge_l"] for said in (SAID, ["a"] * 4)]
    assert 0 < low <= scores[0] - scores[1] <= high


def test_a_single_picture_leaves_nothing_to_chance():
    scores = score_captions(SAID[:1], REFERENCES[:1])
    for name, ends in bootstrap_intervals(SAID[:1], REFERENCES[:1]).items():
        assert ends == pytest.approx([scores[name]] * 2)


def test_intervals_cut_off_a_fortieth_at_each_end():
    assert intervals_of(pd.DataFrame({"bleu_4": np.arange(1001)})) == {"bleu_4": [25, 975]}


@pytest.mark.parametrize("drawn", [np.ones((1, 3)), np.ones(4), np.ones((2, 4, 1))])
def test_sets_of_other_pictures_are_refused(drawn):
    with pytest.raises(CourseError, match="a column for each of 4 pictures"):
        resampled_scores(SAID, REFERENCES, drawn)
