import numpy as np
import pytest

from utils.vocabulary import (
    END,
    PADDING,
    START,
    UNKNOWN,
    Vocabulary,
    build_vocabulary,
    clean_caption,
    extend_vocabulary,
)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("A dog runs .", "a dog runs"),
        ("The man's T-shirt, red!", "the mans tshirt red"),
        ("  two   dogs\tplay\n", "two dogs play"),
        ("A\u00a0caf\u00e9 \u201cL\u2019Or\u201d", "a caf\u00e9 lor"),
        ("2 dogs # fun", "2 dogs fun"),
        ("...", ""),
    ],
)
def test_cleaning(raw, clean):
    assert clean_caption(raw) == clean
    assert clean_caption(clean) == clean


def test_words_are_ordered_by_frequency_then_alphabet():
    vocabulary = build_vocabulary(["b a", "a c", "c a"], 1)
    assert vocabulary.words[4:] == ("a", "c", "b")


def test_rare_words_become_unknown():
    vocabulary = build_vocabulary(["a dog", "a cat", "a dog"], 2)
    assert vocabulary.words[4:] == ("a", "dog")
    assert vocabulary.encode(["a zebra"]).tolist() == [[START, 4, UNKNOWN, END]]


def test_encoding_pads_at_the_right_and_decodes_back():
    captions = ["a dog runs", "a cat"]
    vocabulary = build_vocabulary(captions, 1)
    tokens = vocabulary.encode(captions)
    assert tokens.dtype == np.int32
    assert tokens.shape == (2, 5)
    assert tokens[1, -1] == PADDING
    assert [vocabulary.decode(row) for row in tokens] == captions


def test_an_extended_vocabulary_keeps_every_token_that_was_there():
    known = build_vocabulary(["a dog", "a dog runs"], 1)
    own = build_vocabulary(["a hound runs", "my hound"], 1)
    extended = extend_vocabulary(known, own)
    assert extended.words == (*known.words, "hound", "my")
    assert extend_vocabulary(known, known) == known


def test_nothing_to_encode():
    assert Vocabulary(("<padding>",)).encode([]).shape == (0, 0)
