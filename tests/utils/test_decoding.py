import itertools
from dataclasses import replace

import numpy as np
import pytest

from utils import decoding
from utils.decoding import (
    FUNCTION_WORDS,
    IMPOSSIBLE,
    looping_words,
    make_decoder,
    word_probabilities,
)
from utils.errors import CourseError
from utils.model import build_model
from utils.tensorflow_setup import keras
from utils.training import masked_crossentropy
from utils.vocabulary import END, PADDING, START, UNKNOWN, Vocabulary

SPECIAL = ("<padding>", "<start>", "<end>", "<unknown>")


@pytest.fixture
def small(settings):
    """A random model of three words with strong preferences, and five pictures."""
    settings = replace(settings, dropout=0.0)
    model = build_model(6, 7, settings)
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model, Vocabulary((*SPECIAL, "x", "y", "z")), rng.normal(size=(5, 6)).astype("float32")


def log_probabilities(model, feature, captions):
    """Log-probabilities of captions, the shorter first, read by the whole-sequence model."""
    found = []
    for _, same_length in itertools.groupby(captions, len):
        tokens = np.array([[START, *words, END] for words in same_length])
        features = np.repeat(feature[None], len(tokens), axis=0)
        logits = model([features, tokens[:, :-1]]).numpy().astype(np.float64)
        log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        found.extend(np.take_along_axis(log_p, tokens[:, 1:, None], -1).sum(axis=(1, 2)))
    return np.array(found)


def best_of(model, feature, captions, alpha=1.0):
    """The caption that a search which misses none would find."""
    lengths = np.array([len(words) + 1 for words in captions])
    normalized = log_probabilities(model, feature, captions) / lengths**alpha
    return captions[int(np.argmax(normalized))]


def log_probability(model, feature, words):
    return log_probabilities(model, feature, [words])[0]


def test_a_wide_beam_finds_the_best_of_all_captions(small):
    model, vocabulary, features = small
    decode = make_decoder(model, vocabulary, allow_loops=True)
    every = [w for length in range(5) for w in itertools.product((4, 5, 6), repeat=length)]
    for alpha in (0.0, 0.7):
        said, scores = decode(features, beam_size=200, alpha=alpha, max_length=4)
        for feature, text, score in zip(features, said, scores, strict=True):
            best = best_of(model, feature, every, alpha)
            assert text == " ".join(vocabulary.words[word] for word in best)
            assert score == pytest.approx(log_probability(model, feature, best), abs=1e-4)


def test_greedy_takes_the_most_probable_word_each_time(small):
    model, vocabulary, features = small
    decode = make_decoder(model, vocabulary, allow_loops=True)
    said, _ = decode(features, beam_size=1, max_length=6)
    for feature, text in zip(features, said, strict=True):
        tokens = [START]
        while len(tokens) <= 6:
            logits = model([feature[None], np.array([tokens])]).numpy()[0, -1]
            logits[[PADDING, START, UNKNOWN]] = -np.inf
            if logits.argmax() == END:
                break
            tokens.append(int(logits.argmax()))
        assert text == " ".join(vocabulary.words[token] for token in tokens[1:])


def test_special_tokens_are_never_said(small):
    model, vocabulary, features = small
    bias = model.get_layer("logits")
    kernel, offsets = bias.get_weights()
    offsets[[PADDING, START, UNKNOWN]] = 50
    bias.set_weights([kernel, offsets])
    for beam_size in (1, 3):
        said, _ = make_decoder(model, vocabulary)(features, beam_size, max_length=5)
        assert not any("<" in text for text in said)
        assert all(len(text.split()) <= 5 for text in said)


@pytest.mark.parametrize("beam_size", [1, 2, 3])
@pytest.mark.parametrize("models", [1, 2])
def test_a_caption_that_was_cut_off_has_the_probability_of_its_own_words(
    small, beam_size, models, monkeypatch
):
    model, vocabulary, features = small
    monkeypatch.setattr(decoding, "HYPOTHESES_AT_ONCE", 2 * beam_size)
    kernel, offsets = model.get_layer("logits").get_weights()
    offsets[END] = -20  # the end hardly ever comes
    model.get_layer("logits").set_weights([kernel, offsets])
    decode = make_decoder([model] * models, vocabulary)
    said, scores = decode(features, beam_size, alpha=0.7, max_length=4)
    for feature, text, score in zip(features, said, scores, strict=True):
        words = [vocabulary.tokens[word] for word in text.split()]
        assert len(words) == 4
        tokens = np.array([[START, *words]])
        logits = model([feature[None], tokens[:, :-1]]).numpy()[0].astype(np.float64)
        log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        expected = log_p[np.arange(4), words].sum()
        assert score == pytest.approx(expected, abs=1e-4)


def test_pictures_do_not_influence_each_other(small):
    model, vocabulary, features = small
    decode = make_decoder(model, vocabulary)
    together = decode(features, 3)[0]
    assert together == [decode(features[i : i + 1], 3)[0][0] for i in range(5)]


def test_an_ensemble_of_one_model_twice_is_that_model(small):
    model, vocabulary, features = small
    one, scores = make_decoder(model, vocabulary)(features)
    two, same = make_decoder([model, model], vocabulary)(features)
    assert one == two
    np.testing.assert_allclose(scores, same, rtol=1e-5)


def test_a_trained_model_says_what_it_learned(toy, settings):
    settings = replace(settings, dropout=0.0)
    model = build_model(6, len(toy["vocabulary"]), settings)
    model.compile(keras.optimizers.Adam(0.01), masked_crossentropy, jit_compile=False)
    inputs = [toy["features"], toy["tokens"][:, :-1]]
    model.fit(inputs, toy["tokens"][:, 1:], epochs=150, shuffle=False, verbose=0)
    decode = make_decoder(model, toy["vocabulary"])
    for beam_size in (1, 3):
        assert decode(toy["features"], beam_size)[0] == toy["captions"]


def test_no_pictures_and_no_beam(small):
    model, vocabulary, features = small
    decode = make_decoder(model, vocabulary)
    assert decode(features[:0])[0] == []
    with pytest.raises(CourseError, match="beam_size is 0"):
        decode(features, beam_size=0)


# --- loops ---

LOOPING = [
    "a drawing of a drawing",  # two words again, the second a thing
    "a white and white dog",
    "a man on a bench on a bench",
    "next to the man next to the woman",  # three words again
    "dog dog dog",
]
FINE = [
    "a man in a hat and a dog in a box",
    "a man and a woman",
    "people and the people who walk",
    "two dogs run on the grass near the water",
    "dog dog",
]


def would_be_said(text, characters=False):
    """Whether no word of a caption is blocked after the words before it."""
    words = sorted({*" ".join([*LOOPING, *FINE, text]).split()} - {"and"})
    vocabulary = Vocabulary((*SPECIAL, *words, "and"))
    may_return = np.isin(vocabulary.words, FUNCTION_WORDS.split()) | characters
    rule = may_return, vocabulary.tokens["and"], 6 if characters else 3
    (tokens,) = vocabulary.encode([text])
    return not any(
        tokens[end] in looping_words(tokens[:end], *rule) for end in range(1, len(tokens))
    )


@pytest.mark.parametrize("text", LOOPING)
def test_a_loop_is_seen_before_it_closes(text):
    assert not would_be_said(text)


@pytest.mark.parametrize("text", FINE)
def test_what_people_say_twice_may_be_said_twice(text):
    assert would_be_said(text)


def test_characters_may_return_but_not_for_ever():
    assert would_be_said("红 衣 服 的 人 和 红 衣 服 的 狗", characters=True)
    assert not would_be_said("狗 在 草 地 上 跑 狗 在 草 地 上 跑", characters=True)


@pytest.mark.parametrize("beam_size", [1, 2, 3])
@pytest.mark.parametrize("models", [1, 2])
def test_no_caption_loops_unless_loops_are_allowed(small, beam_size, models):
    model, vocabulary, features = small
    kernel, offsets = model.get_layer("logits").get_weights()
    offsets[END] = -20  # the end hardly ever comes
    model.get_layer("logits").set_weights([kernel, offsets])

    def repeats(allow_loops):
        decode = make_decoder([model] * models, vocabulary, allow_loops)
        said = [text.split() for text in decode(features, beam_size, max_length=30)[0]]
        pairs = [list(itertools.pairwise(words)) for words in said]
        return [len(pair) - len(set(pair)) for pair in pairs]

    assert max(repeats(allow_loops=True)) > 20
    assert max(repeats(allow_loops=False)) == 0  # also where only the end is left to say


def test_a_blocked_word_takes_no_other_words_place(small):
    """Three words can be put together without a repeated pair in ever fewer ways: the search still
    finds the best of those that there are."""
    model, vocabulary, features = small
    decode = make_decoder(model, vocabulary)
    every = [w for length in range(5) for w in itertools.product((4, 5, 6), repeat=length)]
    every = [w for w in every if len(set(itertools.pairwise(w))) == max(len(w) - 1, 0)]
    for feature, text in zip(features, decode(features, 200, max_length=4)[0], strict=True):
        best = best_of(model, feature, every)
        assert text == " ".join(vocabulary.words[word] for word in best)


# --- words that are asked for ---


def test_a_wide_beam_finds_the_best_of_all_captions_that_say_what_is_asked(small):
    """Picture by picture its own word; before it no z, after it no y."""
    model, vocabulary, features = small
    rules = np.zeros((3, 5, 7), np.float32)
    asked = [4, 5, 6, 4, 5]
    rules[0][:, 6] = rules[1] = rules[2][:, 5] = IMPOSSIBLE
    for row, token in enumerate(asked):
        rules[0, row, token], rules[1, row, token] = IMPOSSIBLE, 0
    decode = make_decoder(model, vocabulary, allow_loops=True)
    said, scores = decode(features, beam_size=50, max_length=3, rules=rules)
    every = [w for length in range(1, 4) for w in itertools.product((4, 5, 6), repeat=length)]
    for feature, token, text, score in zip(features, asked, said, scores, strict=True):
        allowed = [
            w
            for w in every
            if token in w and 6 not in w[: w.index(token)] and 5 not in w[w.index(token) + 1 :]
        ]
        best = best_of(model, feature, allowed)
        assert text == " ".join(vocabulary.words[word] for word in best)
        assert score == pytest.approx(log_probability(model, feature, best), abs=1e-4)


def test_rules_that_forbid_nothing_but_silence(small):
    """Whatever is said first will do: the search finds what it finds without rules."""
    model, vocabulary, features = small
    rules = np.zeros((3, 5, 7), np.float32)
    rules[0] = rules[1][:, END] = IMPOSSIBLE
    decode = make_decoder(model, vocabulary)
    said, scores = decode(features, 200, max_length=4, rules=rules)
    for text, free, score in zip(said, decode(features, 200, max_length=4)[0], scores, strict=True):
        assert text and (text == free or not free) and score > IMPOSSIBLE / 2


@pytest.mark.parametrize("beam_size", [1, 3])
def test_what_cannot_be_said_is_recognised(small, beam_size):
    model, vocabulary, features = small
    rules = np.full((3, 5, 7), IMPOSSIBLE, np.float32)
    said, scores = make_decoder(model, vocabulary)(features, beam_size, max_length=4, rules=rules)
    assert len(said) == 5 and (scores < IMPOSSIBLE / 2).all()
    rules[0] = 0  # anything may be said, only never the word
    said, _ = make_decoder(model, vocabulary)(features, beam_size, max_length=4, rules=rules)
    assert len(said) == 5


def test_rules_of_more_pictures_than_are_searched_at_once(small, monkeypatch):
    model, vocabulary, features = small
    rules = np.full((3, 5, 7), IMPOSSIBLE, np.float32)
    rules[0, :, 4:] = rules[2] = 0
    for row, token in enumerate([4, 5, 6, 4, 5]):
        rules[:2, row, token] = IMPOSSIBLE, 0
    decode = make_decoder(model, vocabulary)
    together, _ = decode(features, 3, rules=rules)
    monkeypatch.setattr(decoding, "HYPOTHESES_AT_ONCE", 12)  # two pictures
    assert decode(features, 3, rules=rules)[0] == together
    assert all(word in text for word, text in zip("xyzxy", together, strict=True))


# --- several captions, and the probability of every word ---


@pytest.mark.parametrize("models", [1, 2])
def test_the_best_several_captions(small, models):
    model, vocabulary, features = small
    decode = make_decoder([model] * models, vocabulary)
    best, highest = decode(features, beam_size=4)
    said, scores = decode(features, beam_size=2, several=4)  # so the beam size is 4
    assert [texts[0] for texts in said] == best
    np.testing.assert_array_equal([found[0] for found in scores], highest)
    for feature, texts, found in zip(features, said, scores, strict=True):
        assert len(set(texts)) == len(texts) == len(found) == 4
        lengths = np.array([len(text.split()) + 1 for text in texts])
        assert (np.diff(found / lengths) <= 0).all()
        for text, score in zip(texts, found, strict=True):
            words = [vocabulary.tokens[word] for word in text.split()]
            assert score == pytest.approx(log_probability(model, feature, words), abs=1e-4)


def test_several_below_one_is_refused(small):
    model, vocabulary, features = small
    with pytest.raises(CourseError, match="several is 0: choose 1 or more"):
        make_decoder(model, vocabulary)(features, several=0)


def test_the_words_probabilities_multiply_to_the_captions(small):
    model, vocabulary, features = small
    other = keras.models.clone_model(model)
    other.set_weights([1.5 * weights for weights in model.get_weights()])
    models = [model, other]
    said, scores = make_decoder(models, vocabulary)(features)
    found = word_probabilities(models, vocabulary, features, said)
    assert [len(each) for each in found] == [len(text.split()) + 1 for text in said]
    np.testing.assert_allclose([each.prod() for each in found], np.exp(scores), rtol=1e-4)
