"""Words that the CNN asks for, with a search that says what it is told."""

import numpy as np
import pytest

from utils import guidance
from utils.captioner import Captioner, load_captioner
from utils.decoding import IMPOSSIBLE, make_decoder
from utils.guidance import Said, guide, read_names
from utils.model import build_model
from utils.settings import Settings
from utils.vocabulary import END, SPECIAL_TOKENS, Vocabulary

NAMES = {name.word: name for name in read_names()}
PRETRAINED = load_captioner("pretrained").vocabulary
CAPTION = "a man in a red shirt is standing outside"


def sure_of(**shares):
    """Probabilities of the classes [1, 1000], where words have shares: `fire_truck=0.6`."""
    classes = np.zeros((1, 1000), np.float32)
    for word, share in shares.items():
        numbers = list(NAMES[word.replace("_", " ")].classes)
        classes[0, numbers] += share / len(numbers)
    return classes


class Search:
    """Says a sentence, and remembers the rules that it was given."""

    def __init__(self, sentence, score=-9.0):
        self.sentence, self.score, self.rules = sentence, score, None

    def __call__(self, features, rules):
        self.rules = rules
        return [self.sentence] * len(features), np.full(len(features), self.score)


def guided(classes, said="a dog is sitting", caption=CAPTION, vocabulary=PRETRAINED, score=-9.0):
    """What one picture's caption becomes, "" if it stays, and the search."""
    search = Search(said, score)
    found = guide(search, vocabulary, np.ones((1, 4), np.float32), classes, [caption])
    return " ".join(found[0].words) if found else "", search


# --- the table ---


def test_every_word_can_be_said_by_the_shipped_captioner():
    for name in NAMES.values():
        words = (name.plain.replace(name.word, name.learned()[0], 1) or name.learned()[0]).split()
        assert set(words) - {"an"} <= set(PRETRAINED.words), name
        assert not name.plain or f" {name.word} " in f" {name.plain} ", name
        assert name.plain or name.kind != "room", name
        assert set(name.classes) <= set(range(1000)), name
        assert not name.room or NAMES[name.room].kind == "room", name
        assert (name.kind == "furniture") == bool(name.room), name
    assert len(NAMES) == len(read_names())


def test_articles_of_the_table():
    for name in NAMES.values():
        wrong = ("a " if name.word[0] in "aeiou" else "an ") + name.word
        assert f" {wrong} " not in f" {name.plain} ", name


# --- when a word is asked for ---


def test_without_a_sure_word_the_caption_stays():
    assert guided(np.full((1, 1000), 0.001, np.float32))[0] == ""
    assert guided(sure_of(cat=0.39))[0] == "" != guided(sure_of(cat=0.41))[0]


@pytest.mark.parametrize(
    "caption", ["a cat is sitting", "two cats", "a kitty in a box", "the small cat"]
)
def test_what_is_said_is_not_asked_for(caption):
    said, search = guided(sure_of(cat=0.9), caption=caption)
    assert said == "" and search.rules is None


def test_a_part_of_a_word_does_not_say_it():
    assert guided(sure_of(cat=0.9), caption="a catcher in a category")[0]


def test_the_most_special_word_is_asked_for():
    assert guided(sure_of(fire_truck=0.9))[0] == "a fire truck on a street"
    assert guided(sure_of(pizza=0.5, food=0.2))[0] == "a pizza on a table"
    assert guided(sure_of(pizza=0.2, food=0.5))[0] == "a plate of food on a table"


# --- how it is said ---


@pytest.mark.parametrize(
    ("word", "said", "expected"),
    [
        ("elephant", "a dog is standing", "an elephant is standing"),
        ("elephant", "two dogs in a field", "two elephants in a field"),
        ("sheep", "two dogs and a man", "two sheep and a man"),
        ("polar_bear", "a big dog in the snow", "a big polar bear in the snow"),
        ("owl", "a bird on a tree", "an owl on a tree"),
        ("dog", "a dog on an old chair", "a dog on an old chair"),
    ],
)
def test_a_sibling_gives_its_place(word, said, expected):
    assert guided(sure_of(**{word: 0.9}), said)[0] == expected


def test_a_search_that_does_not_find_the_word_changes_nothing():
    assert guided(sure_of(elephant=0.9), "a man is standing")[0] == ""
    assert guided(sure_of(elephant=0.9), "dogs a a a", score=2 * IMPOSSIBLE)[0] == ""


def test_rooms_are_told_with_their_furniture():
    two = sure_of(toilet=0.3, mirror=0.4)
    assert guided(two)[0] == "a bathroom with a mirror and a toilet"
    assert guided(sure_of(toilet=0.3, mirror=0.4, sink=0.2))[0] == guided(two)[0]
    assert guided(sure_of(toilet=0.9))[0] == "a bathroom with a toilet"
    bathroom = set(NAMES["bathroom"].classes)
    other = bathroom.difference(*(n.classes for n in NAMES.values() if n.room == "bathroom"))
    classes = np.zeros((1, 1000), np.float32)
    classes[0, list(other)] = 0.9 / len(other)
    assert guided(classes)[0] == ""  # sure of a bathroom, and of nothing in it


def test_what_was_learned_stands_beside_what_is_said():
    found = guide(Search(""), PRETRAINED, np.ones((1, 4)), sure_of(ambulance=0.9), [CAPTION])
    expected = ("an", "ambulance", "on", "a", "street"), ("a", "truck", "on", "a", "street")
    assert found == {0: Said("ambulance", *expected)}


def test_an_animal_is_the_first_noun_and_wears_nothing():
    tokens = PRETRAINED.tokens
    before, asked, after = guided(sure_of(elephant=0.9))[1].rules[:, 0]
    assert before[tokens["two"]] == 0 > before[tokens["man"]] == before[tokens["brown"]]
    assert before[tokens["dog"]] == after[tokens["dogs"]] == IMPOSSIBLE
    assert {PRETRAINED.words[token] for token in np.flatnonzero(asked == 0)} == {"dog", "dogs"}
    assert after[tokens["man"]] == after[END] == 0 > after[tokens["shirt"]] == after[tokens["ball"]]
    before, _, after = guided(sure_of(dog=0.9))[1].rules[:, 0]
    assert before[tokens["brown"]] == after[tokens["ball"]] == 0


def test_a_thing_may_stand_anywhere_but_is_not_ridden():
    before, _, after = guided(sure_of(umbrella=0.9), "a man with an umbrella")[1].rules[:, 0]
    tokens = PRETRAINED.tokens
    assert before[tokens["man"]] == after[tokens["shirt"]] == 0 > before[tokens["riding"]]


# --- other captioners ---


def test_a_vocabulary_without_the_word_and_its_sibling():
    small = Vocabulary((*SPECIAL_TOKENS, "a", "dog", "drawn", "truck", "on"))
    for word in ("bird", "owl", "pizza", "kitchen", "umbrella", "truck"):
        said, search = guided(sure_of(**{word: 0.9}), "a dog", vocabulary=small)
        assert said == "" and search.rules is None, word
    said, search = guided(sure_of(elephant=0.9), "a dog", vocabulary=small)  # no plural, no ball
    assert said == "an elephant" and search.rules.shape == (3, 1, len(small))
    chinese = Vocabulary((*SPECIAL_TOKENS, "一", "只", "狗"))
    assert guided(sure_of(dog=0.9), "狗", vocabulary=chinese)[0] == ""


def test_no_pictures():
    assert guide(Search(""), PRETRAINED, np.ones((0, 4)), np.zeros((0, 1000)), []) == {}


# --- with a captioner ---


@pytest.fixture(scope="module")
def talkative():
    """A captioner with random weights, whose captions end."""
    words = "a on the is dog dogs truck street man water sits"
    words = (*SPECIAL_TOKENS, *words.split())
    settings = Settings(embedding_size=8, units=8, max_length=12)
    model = build_model(4, len(words), settings)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(0, 0.7, each.shape) for each in model.get_weights()])
    kernel, bias = model.get_layer("logits").get_weights()
    kernel[:, END], bias[END] = 0, 2
    model.get_layer("logits").set_weights([kernel, bias])
    return Captioner([model], Vocabulary(words), settings)


@pytest.fixture
def captioner(talkative, monkeypatch):
    """The same; of its four pictures the CNN is sure that they show this and that."""
    features = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)
    shares = {"elephant": 0.9}, {"fire_truck": 0.8}, {}, {"dog": 0.7}
    classes = np.concatenate([sure_of(**each) for each in shares])
    monkeypatch.setattr("utils.captioner.as_pictures", lambda pictures: (pictures, False))

    def look(self, pictures, guided):
        return features[pictures], classes[pictures] if guided else None

    monkeypatch.setattr(Captioner, "_look", look)
    return talkative


PICTURES = [0, 1, 2, 3]


def test_captions_say_what_was_asked(captioner):
    elephant, truck, free, dog = captioner.caption(PICTURES)
    assert {"elephant", "elephants"} & set(elephant.split())
    assert truck == "a fire truck on a street" and {"dog", "dogs"} & set(dog.split())
    assert free == captioner.caption([2], guided=False)[0]


def test_candidates_tell_what_was_asked(captioner):
    for beam_size, several in ((1, None), (3, None), (None, 2), (1, 4)):
        free = captioner.caption(PICTURES, beam_size, several, True, guided=False)
        found = captioner.caption(PICTURES, beam_size, several, True)
        asked = [(each if several is None else each[0]).asked for each in found]
        assert asked[:3] == ["elephant", "fire truck", ""] and found[2] == free[2]
        if several is None:
            continue
        for all_free, (best, *others) in zip(free, found, strict=True):
            assert (
                not best.asked
                or others
                == [one for one in all_free if one.caption != best.caption][: len(all_free) - 1]
            )


def test_words_and_stand_ins_match_word_for_word(captioner):
    _, truck, *_ = captioner.caption(PICTURES, details=True)
    assert [word for word, _ in truck.words] == ["a", "fire truck", "on", "a", "street", "<end>"]
    assert truck.learned == ("a", "truck", "on", "a", "street")
    probability = np.prod([probability for _, probability in truck.words])
    assert np.exp(truck.log_probability) == pytest.approx(probability, rel=1e-3)
    (same,) = captioner.caption([1], several=1)[0]
    assert same == truck._replace(words=()) or same.caption == truck.caption


def test_what_is_asked_makes_no_loops(talkative):
    rules = guidance._rules(NAMES["elephant"], talkative.vocabulary)
    features = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    decode = make_decoder(talkative.models, talkative.vocabulary)
    said, scores = decode(features, max_length=12, rules=np.repeat(rules[:, None], 30, 1))
    found = scores > IMPOSSIBLE / 2  # others broke off: nobody has taught this model to end
    assert found.sum() > 20
    for words in map(str.split, np.array(said)[found]):
        rows = list(zip(words, words[1:], words[2:], strict=False))
        assert len(set(rows)) == len(rows)
        assert sum(word in ("dog", "dogs") for word in words) == 1 and words[0] != "man"
