import numpy as np
import pytest

from utils.captioner import Candidate
from utils.errors import CourseError
from utils.explain import PLACES, nearest_captions, next_words, word_maps
from utils.vocabulary import Vocabulary

WORDS = Vocabulary(("<padding>", "<start>", "<end>", "<unknown>", "a", "light", "dark"))


class Encoder:
    """The brightness of the places as features: what is white there is seen."""

    name = "efficientnet_lite0"


class Eyes:
    """A captioner whose second word depends on the bottom right place of the picture alone."""

    encoders, vocabulary, mirrored = [Encoder()], WORDS, False

    def __init__(self):
        self.settings, self.models = self, [self._model]

    said = "a", "light"

    def caption(self, picture, details):
        pairs = tuple((word, 0.5) for word in (*self.said, "<end>"))
        return Candidate(" ".join(self.said), -1.0, pairs, "", ("a", "light"))

    @staticmethod
    def _model(inputs, training=False):
        import tensorflow as tf

        features, tokens = inputs
        logits = np.zeros((*tokens.shape, len(WORDS)), np.float32)
        logits[:, 0, 4] = 9  # "a" comes first, whatever there is to see
        logits[:, 1:2, 5] = 5 * np.asarray(features)[:, -1:]
        return tf.constant(logits)


@pytest.fixture
def eyes(monkeypatch):
    def brightness(pictures, encoders, mirrored, progress):
        cells = [
            picture.reshape(PLACES, -1, PLACES, len(picture) // PLACES, 3).mean((1, 3, 4)).ravel()
            for picture in pictures
        ]
        return np.array(cells, np.float32) / 255

    monkeypatch.setattr("utils.explain.extract_features", brightness)
    return Eyes()


@pytest.fixture
def corner():
    """Black, with a white place at the bottom right."""
    picture = np.zeros((224, 224, 3), np.uint8)
    picture[192:, 192:] = 255
    return picture


def test_a_word_is_lit_where_its_thing_is_and_others_nowhere(eyes, corner):
    words, maps = word_maps(eyes, corner)
    assert words == ["a", "light"] and maps.shape == (2, PLACES, PLACES)
    assert np.unravel_index(maps[1].argmax(), maps[1].shape) == (PLACES - 1, PLACES - 1)
    assert maps[1].max() > 1
    np.testing.assert_allclose(maps[1][:5, :5], 0, atol=1e-6)
    np.testing.assert_allclose(maps[0], 0, atol=1e-6)


def test_a_word_that_was_never_learned_looks_where_its_stand_in_does(eyes, corner):
    _, expected = word_maps(eyes, corner, "a light")
    eyes.said = "a", "traffic light"
    words, maps = word_maps(eyes, corner)
    assert words == ["a", "traffic light"]
    np.testing.assert_array_equal(maps, expected)


def test_nothing_to_see_lights_up_nothing(eyes):
    _, maps = word_maps(eyes, np.zeros((224, 224, 3), np.uint8))
    np.testing.assert_allclose(maps, 0, atol=1e-6)


def test_another_caption_may_be_asked_about(eyes, corner):
    words, maps = word_maps(eyes, corner, "A dark!")
    assert words == ["a", "dark"]
    assert maps[1].min() < -1  # dark becomes more probable where the light is covered


def test_next_words_are_sorted_probabilities(eyes, corner):
    found = next_words(eyes, corner, "a", count=3)
    assert found[0][0] == "light" and found[0][1] > 0.9
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert next_words(eyes, corner, count=1)[0][0] == "a"


def test_the_nearest_captions_are_those_of_the_most_similar_pictures(eyes, corner):
    class Run:
        def pictures_of(self, split):
            assert split == "train"
            features = np.eye(PLACES * PLACES, dtype=np.float32)[[0, -1, 5]] * 3
            return ["top", "bottom", "other"], features, [["a"], ["a light", "light"], ["dark"]]

    assert nearest_captions(eyes, corner, Run(), count=1) == [
        ("bottom", "a light", pytest.approx(1))
    ]


def test_no_picture_is_one_sentence(eyes, tmp_path):
    with pytest.raises(CourseError, match="nothing.jpg cannot be read"):
        word_maps(eyes, tmp_path / "nothing.jpg")
