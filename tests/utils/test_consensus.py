"""Which of several captions the neighbors choose, and where there is nothing to choose."""

from dataclasses import replace

import numpy as np
import pytest

from utils import consensus
from utils.consensus import CANDIDATES, make_consensus
from utils.decoding import make_decoder
from utils.errors import CourseError
from utils.metrics import CiderD
from utils.model import build_model
from utils.vocabulary import END, Vocabulary

ABOUT = {
    "dog": ["a dog runs", "a brown dog runs on grass", "the dog is running"],
    "cat": ["a cat sleeps", "a cat lies on a chair", "the cat is asleep"],
    "boat": ["a boat sails", "a boat on a lake", "the boat is white"],
}
DIRECTIONS = dict(zip(ABOUT, np.eye(3, dtype=np.float32), strict=True))
SAID = ["a cat sleeps on a chair", "a dog runs on grass", "a boat on the lake"]


@pytest.fixture
def train(monkeypatch):
    """Ten pictures of each of three things, which point in three directions; three are asked."""
    monkeypatch.setattr(consensus, "NEIGHBORS", 3)
    names = list(ABOUT) * 10
    noise = np.random.default_rng(0).normal(0, 0.1, (30, 3))
    return np.array([DIRECTIONS[name] for name in names]) + noise, [ABOUT[name] for name in names]


def test_the_neighbors_captions_choose(train):
    features = np.array([*DIRECTIONS.values()])
    chosen = make_consensus(*train)(features, [SAID] * 3)
    assert chosen == ["a dog runs on grass", "a cat sleeps on a chair", "a boat on the lake"]


def test_it_is_the_mean_cider_d_against_the_neighbors(train):
    """The slow way: every candidate scored as a caption of each neighbor, who has more votes the
    more captions it has."""
    features, references = train
    references = [texts[: 1 + row // 3 % 3] for row, texts in enumerate(references)]
    cider, query = CiderD(references), np.array([[1.0, 0.2, 0.1]])
    cosines = (features @ query[0]) / np.linalg.norm(features, axis=1)
    nearest = np.argsort(-cosines)[:3]
    said = [*SAID, "a dog", "dog dog dog", "", "the brown dog is running on a lake"]
    weights = [len(references[row]) for row in nearest]
    votes = [np.average(cider.scores([text] * 3, nearest), weights=weights) for text in said]
    for count in range(1, len(said) + 1):
        (chosen,) = make_consensus(features, references)(query, [said[:count]])
        assert chosen == said[int(np.argmax(votes[:count]))]


def test_one_candidate_wins_whatever_it_says(train):
    assert make_consensus(*train)(train[0][:2], [["zebra"], [""]]) == ["zebra", ""]


def test_the_search_decides_where_the_neighbors_cannot(train):
    choose = make_consensus(*train)
    assert choose(np.ones((1, 3)), [["zebra", "giraffe"]]) == ["zebra"]  # no word in common
    assert choose(np.ones((1, 3)), [["", "zebra"]]) == [""]
    # A single picture: every word is in all of the captions, so none tells anything.
    alone = make_consensus(train[0][:1], train[1][:1])
    assert alone(np.ones((1, 3)), [["a cat", "a dog runs"]]) == ["a cat"]


def test_features_of_zeros_and_half_precision(train):
    features, references = train
    choose = make_consensus(features.astype(np.float16), references)
    assert choose(np.zeros((1, 3), np.float16), [SAID])[0] in SAID
    assert choose(features[:3].astype(np.float16), [SAID] * 3)[0] == "a dog runs on grass"


def test_no_pictures_to_caption(train):
    assert make_consensus(*train)(train[0][:0], []) == []


def test_an_empty_train_split_is_refused():
    with pytest.raises(CourseError, match="no train pictures, so none is similar"):
        make_consensus(np.zeros((0, 3)), [])


def test_what_does_not_belong_together_is_refused(train):
    features, references = train
    with pytest.raises(CourseError, match="features of 29 pictures and captions of 30"):
        make_consensus(features[1:], references)
    choose = make_consensus(*train)
    with pytest.raises(CourseError, match="features of 30 pictures and captions of 2"):
        choose(features, [SAID, SAID])
    with pytest.raises(CourseError, match="Picture 1 has no candidates"):
        choose(features[:2], [SAID, []])


# --- with the search's own candidates ---

SPECIAL = ("<padding>", "<start>", "<end>", "<unknown>")


def searched(settings, words, end_bias, max_length):
    """The candidates of a random model for five pictures, and the pictures."""
    model = build_model(3, len(SPECIAL) + len(words), replace(settings, dropout=0.0))
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.5, weights.shape) for weights in model.get_weights()])
    kernel, offsets = model.get_layer("logits").get_weights()
    offsets[END] = end_bias
    model.get_layer("logits").set_weights([kernel, offsets])
    features = rng.normal(size=(5, 3)).astype("float32")
    decode = make_decoder(model, Vocabulary((*SPECIAL, *words)))
    return features, decode(features, max_length=max_length, several=CANDIDATES)[0]


@pytest.mark.parametrize("words", [("dog",), ("dog", "cat", "runs")])
def test_a_vocabulary_smaller_than_the_beam(train, settings, words):
    features, candidates = searched(settings, words, end_bias=0, max_length=2)
    assert min(map(len, candidates)) < CANDIDATES or len(words) > 1
    chosen = make_consensus(*train)(features, candidates)
    assert all(text in texts for text, texts in zip(chosen, candidates, strict=True))


@pytest.mark.parametrize("words", [("dog",), ("dog", "cat")])
def test_captions_that_cannot_end_without_repeating(train, settings, words):
    """The end hardly ever comes, and there are few ways to go on without a loop."""
    features, candidates = searched(settings, words, end_bias=-20, max_length=12)
    chosen = make_consensus(*train)(features, candidates)
    for text, texts in zip(chosen, candidates, strict=True):
        assert text in texts
        pairs = list(zip(text.split(), text.split()[1:], strict=False))
        assert len(pairs) == len(set(pairs))
