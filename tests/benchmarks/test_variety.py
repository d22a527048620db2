"""What is in a set of captions: loops, lengths, what stands in train."""

import pytest

from benchmarks.variety import loops, variety
from utils.errors import CourseError


@pytest.mark.parametrize(
    "caption",
    [
        "a drawing of a drawing of a drawing",
        "a white and white dog",
        "a man in a hat next to a man in a hat",  # three words
        "a dog chases a dog",
        "a dog with one more brown a dog",  # six words later
    ],
)
def test_captions_that_loop(caption):
    assert loops(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "dog",
        "a man and a dog",
        "a man in a hat and a dog in a box",  # "in a" ends in a function word
        "a brown dog plays with a brown cat",  # "a brown" in a look
        "a dog with one more brown red a dog",  # seven words later
        "black and white and brown",
    ],
)
def test_captions_that_do_not_loop(caption):
    assert not loops(caption)


def test_variety_counts_words_and_captions():
    said = ["a dog", "a dog", "two cats sit", "a dog chases a dog"]
    assert variety(said, {"a dog", "a boat"}) == {
        "mean_length": 3,
        "distinct_captions": 3,
        "different_words": 6,
        "in_train": 50,
        "looping": 25,
    }


@pytest.mark.parametrize(("said", "train"), [([], {"a dog"}), (["a dog"], set())])
def test_variety_needs_captions_and_those_of_train(said, train):
    with pytest.raises(CourseError, match="at least"):
        variety(said, train)
