"""CIDEr-D by hand, and many hypotheses per picture."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from utils.errors import CourseError
from utils.metrics import CiderD, cider_d_scores

GOLDEN = json.loads(Path(__file__).with_name("golden_captions.json").read_text("utf-8"))
HYPOTHESES = [picture["hypothesis"] for picture in GOLDEN["pictures"]]
REFERENCES = [picture["references"] for picture in GOLDEN["pictures"]]


def test_cider_d_by_hand():
    # One word per text: only n = 1 of four counts; an equal word gives cosine 1, a tenfold 10.
    scores = cider_d_scores(["dog", "dog"], [["dog"], ["cat", "bird"]])
    assert scores == pytest.approx([10 / 4, 0])
    # "dog dog" has the same direction but is clipped to one dog (1/2), and a word too long.
    (score, _) = cider_d_scores(["dog dog", "cat"], [["dog"], ["cat"]])
    assert score == pytest.approx(10 / 4 / 2 * math.exp(-1 / 72))


def test_words_of_every_picture_tell_nothing():
    assert cider_d_scores(["a dog"], [["a dog"]]) == pytest.approx([0])
    assert cider_d_scores(["a", "a"], [["a dog"], ["a cat"]]) == pytest.approx([0, 0])


def test_many_hypotheses_per_picture():
    metric = CiderD(REFERENCES)
    pictures = np.random.default_rng(0).integers(0, len(REFERENCES), 200)
    scores = metric.scores([HYPOTHESES[row] for row in pictures], pictures)
    assert scores == pytest.approx(cider_d_scores(HYPOTHESES, REFERENCES)[pictures])
    swapped = metric.scores([HYPOTHESES[0]] * 2, [1, 0])
    assert swapped[0] < swapped[1]
    assert metric.scores([], []).shape == (0,)


def test_similarities_are_the_parts_of_the_scores():
    metric, rows = CiderD(REFERENCES), [3, 0, 3]
    said = [*HYPOTHESES[:4], "", "dog dog dog", REFERENCES[0][0]]
    found = metric.similarities(said, rows)
    counts = [len(REFERENCES[row]) for row in rows]
    assert found.shape == (7, sum(counts))
    parts = np.split(found, np.cumsum(counts)[:-1], axis=1)
    for row, part in zip(rows, parts, strict=True):
        assert metric.scores(said, [row] * 7) == pytest.approx(part.mean(axis=1), abs=1e-12)
    # A text is as similar to itself as can be: a cosine of 1 for each n that it has.
    assert found[6, counts[0]] == pytest.approx(10)
    assert (found[4] == 0).all()


def test_no_hypotheses_and_no_pictures_have_no_similarities():
    metric = CiderD(REFERENCES)
    assert metric.similarities([], [0]).shape == (0, len(REFERENCES[0]))
    assert metric.similarities(["a dog"], []).shape == (1, 0)


@pytest.mark.parametrize("kept", [1, 3])
def test_forgetting_n_grams_changes_no_score(monkeypatch, kept):
    scores = cider_d_scores(HYPOTHESES, REFERENCES)
    monkeypatch.setattr("utils.metrics.cider_d.KEPT", kept)
    np.testing.assert_array_equal(cider_d_scores(HYPOTHESES, REFERENCES), scores)


def test_hashes_that_coincide_change_no_score(monkeypatch):
    scores = cider_d_scores(HYPOTHESES, REFERENCES)
    monkeypatch.setattr("utils.metrics.cider_d.hash", lambda ngram: len(ngram), raising=False)
    np.testing.assert_array_equal(cider_d_scores(HYPOTHESES, REFERENCES), scores)


@pytest.mark.parametrize("pictures", [[25], [-1]])
def test_row_out_of_range(pictures):
    with pytest.raises(CourseError, match="between 0 and 24"):
        CiderD(REFERENCES).scores(["a dog"], pictures)
    with pytest.raises(CourseError, match="between 0 and 24"):
        CiderD(REFERENCES).similarities(["a dog"], pictures)
