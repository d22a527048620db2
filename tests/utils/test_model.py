import numpy as np
import pytest

from utils.model import build_decoder, build_model, extend_model
from utils.tensorflow_setup import keras, tf
from utils.training import masked_crossentropy


@pytest.fixture
def model(settings):
    return build_model(6, 11, settings)


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.normal(size=(3, 6)).astype(np.float32), rng.integers(1, 11, (3, 7), np.int32)


def test_logits_have_a_row_per_word(model, batch):
    assert model(list(batch)).shape == (3, 7, 11)


def test_later_words_do_not_change_earlier_predictions(model, batch):
    features, tokens = batch
    changed = tokens.copy()
    changed[:, 4:] = 1
    whole, other = (model([features, t]).numpy() for t in (tokens, changed))
    np.testing.assert_allclose(whole[:, :4], other[:, :4], atol=1e-6)
    assert np.abs(whole[:, 4:] - other[:, 4:]).max() > 1e-4


def test_whole_sequence_equals_one_sample_per_prefix(model, batch):
    features, tokens = batch
    whole = model([features, tokens]).numpy()
    for length in range(1, tokens.shape[1] + 1):
        prefix = model([features, tokens[:, :length]]).numpy()[:, -1]
        assert np.abs(whole[:, length - 1] - prefix).max() < 1e-5


def test_carried_state_equals_the_whole_sequence(model, batch):
    features, tokens = batch
    whole = model([features, tokens]).numpy()
    picture_model, step_model = build_decoder(model)
    tokens = tf.constant(tokens)
    picture = picture_model(features)
    h = c = tf.zeros_like(picture)
    for t in range(tokens.shape[1]):
        logits, h, c = step_model([picture, tokens[:, t], h, c])
        assert np.abs(logits - whole[:, t]).max() < 1e-5


def test_an_extended_model_says_what_the_trained_one_says(model, batch, settings):
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=array.shape) for array in model.get_weights()])
    extended = extend_model(model, 14, settings)
    before, after = (one(list(batch)).numpy() for one in (model, extended))
    np.testing.assert_allclose(after[..., :11], before, atol=1e-5)
    # The new words are all as probable, and none of them more than the rare ones.
    np.testing.assert_allclose(after[..., 11:], after[..., [11]].repeat(3, -1), atol=1e-5)
    assert after[..., 11:].mean() < before.mean()


def test_an_extended_model_without_new_words_is_the_same(model, settings):
    extended = extend_model(model, 11, settings)
    for one, other in zip(model.get_weights(), extended.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_picture_matters(model, batch):
    features, tokens = batch
    assert np.abs(model([features, tokens]) - model([features[::-1], tokens])).max() > 1e-3


def test_the_same_seed_gives_the_same_weights(model, settings):
    again = build_model(6, 11, settings)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_saved_model_says_the_same(model, batch, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(list(batch)), model(list(batch)), atol=1e-6)


def test_first_loss_is_the_log_of_the_vocabulary_size(model, batch):
    loss = masked_crossentropy(batch[1], model(list(batch)))
    assert float(loss) == pytest.approx(np.log(11), abs=0.1)
