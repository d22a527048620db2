"""The main noun of a caption, what speaks for it, and the probability that is made of that."""

from dataclasses import replace

import numpy as np
import pytest

from utils.captioner import Captioner
from utils.confidence import (
    WEIGHTS,
    Calibration,
    Candidate,
    Evidence,
    confidence_of,
    fit_weights,
    gather_evidence,
    is_named,
    main_noun,
    with_confidence,
    without_number,
)
from utils.guidance import Said, read_names
from utils.model import build_model
from utils.settings import Settings
from utils.vocabulary import SPECIAL_TOKENS, Vocabulary

WORDS = "a two black and white dog dogs man men red smiling is on the table orange 狗"
VOCABULARY = Vocabulary((*SPECIAL_TOKENS, *WORDS.split()))
NAMES = {name.word: name for name in read_names()}
ZEROS = Calibration(dict.fromkeys(WEIGHTS, 0.0), 0.5)


# --- the main noun ---


@pytest.mark.parametrize(
    ("caption", "noun"),
    [
        ("a dog runs through the grass", "dog"),
        ("two black and white dogs", "dogs"),
        ("the smiling bearded shirtless man in a hat", "man"),
        ("a group of young people are standing", "people"),
        ("a plate of food on a table", "food"),
        ("the inside of a library", "library"),
        ("there is a very large brown bear", "bear"),
        ("an orange on a table", "orange"),
        ("a brick building in front of a red building", "building"),
        ("a blonde in a red dress", "blonde"),
        ("a soccer player", "soccer"),
        ("a baby is sleeping", "baby"),
        ("dog", "dog"),
        ("this is one of the four small children", "children"),
        ("一 只 狗", "一"),
    ],
)
def test_the_main_noun(caption, noun):
    words = caption.split()
    assert words[main_noun(words)] == noun


@pytest.mark.parametrize("caption", ["", "a", "running", "there is a", "two of", "black and"])
def test_without_a_noun_there_is_none(caption):
    assert main_noun(caption.split()) is None


def test_a_word_of_two_words_is_one_noun():
    assert main_noun(("a", "big", "polar bear", "in", "a", "field")) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("dog", "dogs"), ("child", "children"), ("fireman", "firemen"), ("woman", "women")),
        *(("puppy", "puppies"), ("cookie", "cookies"), ("glass", "glasses"), ("box", "boxes")),
        *(("house", "houses"), ("bus", "buses"), ("goose", "geese"), ("wolf", "wolves")),
        *(("polar bear", "polar bears"), ("person", "people"), ("sheep", "sheep")),
    ],
)
def test_number_does_not_matter(one, other):
    assert without_number(one) == without_number(other)
    assert is_named(one, ["two " + other]) and is_named(other, ["a red " + one + " runs"])


@pytest.mark.parametrize(("one", "other"), [("man", "woman"), ("bus", "bun"), ("grass", "gras")])
def test_different_words_stay_different(one, other):
    assert without_number(one) != without_number(other)


def test_a_noun_is_named_whole_and_literally():
    assert not is_named("man", ["a woman and a boy", "a manhole"])
    assert not is_named("polar bear", ["a bear in the snow"])
    assert is_named("cup of coffee", ["coffee on a desk"])
    assert not is_named("dog", [])


# --- evidence ---


@pytest.fixture(scope="module")
def models():
    model = build_model(4, len(VOCABULARY), Settings(embedding_size=8, units=8))
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(0, 0.7, each.shape) for each in model.get_weights()])
    return [model]


FEATURES = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)


def classes_of(**shares):
    """Probabilities of the classes [1000], where words have shares."""
    classes = np.zeros(1000, np.float32)
    for word, value in shares.items():
        numbers = list(NAMES[word].classes)
        classes[numbers] += value / len(numbers)
    return classes


def gathered(models, *captions, classes=None, asked=""):
    said = [(n, Said.freely(text, 0)._replace(asked=asked)) for n, text in enumerate(captions)]
    return gather_evidence(models, VOCABULARY, FEATURES[: len(said)], classes, said)


def test_what_looks_give_away_counts_for_nothing(models):
    looks, plain, many = gathered(models, "a black and white dog", "a dog", "two dogs")
    each = gather_evidence(models, VOCABULARY, FEATURES[[0]], None, [(0, Said.freely("a dog", 0))])
    assert looks.likely == pytest.approx(each[0].likely, rel=1e-5) != plain.likely
    assert max(looks.likely, plain.likely, many.likely) < 0
    # Singular or plural, whichever fits better after "a" or "two".
    same = [(0, Said.freely(text, 0)) for text in ("a dog", "two dogs", "a red dog", "a man")]
    found = gather_evidence(models, VOCABULARY, FEATURES, None, same)
    assert found[0] == found[1] == found[2] != found[3]


def test_what_the_cnn_sees(models):
    seen = np.stack([classes_of(dog=0.5, pizza=0.25), classes_of(bedroom=0.5, car=0.25)])
    dog, man = gathered(models, "a dog", "a man", classes=seen)
    assert dog.named == pytest.approx(0.5) and dog.unsaid == pytest.approx(0.25)
    assert man.named == 0 and man.unsaid == pytest.approx(0.75)
    (both,) = gathered(models, "a dog on the pizza", classes=seen[:1])
    assert both.unsaid == 0 and both.named == dog.named
    puppy, *_ = gathered(models, "a puppy", classes=seen[:1])
    assert puppy.named == dog.named


def test_what_was_asked_for_has_no_probability_of_its_own(models):
    seen = classes_of(elephant=0.5, pizza=0.25)[None]
    words, learned = ("two", "elephants"), ("two", "dogs")
    said = [(0, Said("elephant", words, learned))]
    found = gather_evidence(models, VOCABULARY, FEATURES, seen, said)
    assert found == [Evidence(1.0, pytest.approx(0.5), 0.0, 0.0)]
    # Asked for, but not what the caption is about.
    (other,) = gathered(models, "a man on the table", classes=seen, asked="table")
    assert other.asked == 0 and other.likely < 0


def test_captions_without_a_noun_have_no_evidence(models):
    assert gathered(models, "", "a dog", "a")[::2] == [None, None]
    assert gathered(models) == []
    (chinese,) = gathered(models, "狗")
    assert chinese.likely < 0 == chinese.named


# --- confidence ---


def evidence_of(count, seed=0):
    rng = np.random.default_rng(seed)
    columns = rng.random((3, count))
    asked = (rng.random(count) < 0.3).astype(float)
    return [
        Evidence(*row) for row in np.column_stack([asked, columns[0], -3 * columns[1], columns[2]])
    ]


TRUE = dict(zip(WEIGHTS, (0.5, -1.0, 2.0, 0.8, -2.0), strict=True))


def test_the_weights_of_a_known_logistic_are_found_again():
    evidence = evidence_of(40_000)
    right = np.random.default_rng(1).random(40_000) < [
        confidence_of(each, Calibration(TRUE, 0)) for each in evidence
    ]
    found = fit_weights(evidence, right, np.ones(40_000))
    assert list(found) == list(WEIGHTS)
    for name, value in TRUE.items():
        assert found[name] == pytest.approx(value, abs=0.12), name


def test_a_caption_that_counts_twice_is_as_good_as_two():
    evidence = evidence_of(60)
    right = np.arange(60) % 3 > 0
    twice = fit_weights([*evidence, *evidence[:20]], np.append(right, right[:20]), np.ones(80))
    counts = np.where(np.arange(60) < 20, 2, 1)
    assert fit_weights(evidence, right, counts) == pytest.approx(twice)


@pytest.mark.parametrize("right", [[True] * 20, [True] * 10 + [False] * 10])
def test_the_weights_stay_finite(right):
    """Nothing says anything but one column, which says everything."""
    evidence = [Evidence(0.0, float(yes), 0.0, 0.0) for yes in right]
    found = fit_weights(evidence, right, np.ones(20))
    assert np.isfinite(list(found.values())).all() and found["asked"] == 0
    assert confidence_of(evidence[0], Calibration(found, 0)) > 0.75


def test_a_candidate_tells_its_confidence_and_whether_that_is_too_little():
    said = Candidate("a dog", -1.0, ())
    assert said.confidence is None and not said.unsure
    evidence = Evidence(0.0, 0.0, -1.0, 0.0)
    for threshold, unsure in ((0.4, False), (0.5, False), (0.6, True)):
        marked = with_confidence(said, evidence, replace(ZEROS, unsure_below=threshold))
        assert marked == said._replace(confidence=0.5, unsure=unsure, evidence=evidence)
    nothing = with_confidence(said, None, ZEROS)
    assert nothing.confidence == 0 and nothing.unsure and nothing.evidence is None


def test_a_calibration_is_read_from_a_manifest():
    known = {"weights": TRUE, "unsure_below": 0.6}
    assert Calibration.read({"confidence": known}) == Calibration(TRUE, 0.6)
    assert Calibration.read({"format": 1}) is None
    for broken in ({}, {"weights": TRUE}, {**known, "weights": {"asked": 1}}, None, "high"):
        with pytest.raises((KeyError, TypeError, ValueError)):
            Calibration.read({"confidence": broken})


# --- with a captioner ---


@pytest.fixture
def captioner(models, monkeypatch):
    seen = np.stack([classes_of(dog=0.3, pizza=0.2), classes_of(elephant=0.9), classes_of()])
    monkeypatch.setattr("utils.captioner.as_pictures", lambda pictures: (pictures, False))
    monkeypatch.setattr(
        Captioner, "_look", lambda _, rows, guided: (FEATURES[rows], seen[rows] if guided else None)
    )
    calibration = Calibration(TRUE, 0.6)
    return Captioner(models, VOCABULARY, Settings(max_length=8), calibration)


def test_captions_tell_how_sure_they_are(captioner):
    pictures = [0, 1, 2]
    alone = captioner.caption(pictures, details=True)
    several = captioner.caption(pictures, several=2)
    for one, (best, *_) in zip(alone, several, strict=True):
        assert best.caption == one.caption
        assert best.confidence == pytest.approx(one.confidence, rel=1e-4)
        assert 0 <= one.confidence <= 1 and one.unsure == (one.confidence < 0.6)
        place = main_noun([word for word, _ in one.words[:-1]])
        assert (one.evidence is None) == (place is None)
    assert all(isinstance(one.confidence, float) for each in several for one in each)
    assert captioner.caption([], details=True) == []


def test_only_guided_captions_of_a_calibrated_captioner_have_a_confidence(captioner, monkeypatch):
    others = [
        *captioner.caption([0, 1], details=True, guided=False),
        *replace(captioner, calibration=None).caption([0, 1], details=True),
    ]
    assert [(one.confidence, one.unsure) for one in others] == [(None, False)] * 4
    # Who wants only strings does not wait for it.
    monkeypatch.setattr("utils.captioner.gather_evidence", pytest.fail)
    assert len(captioner.caption([0])) == 1
