import numpy as np
import pytest

from cnns import archives, xception
from utils import tensorflow_setup
from utils.encoders import build_encoder, normalize_features
from utils.tensorflow_setup import keras

SIZE = 96  # enough for every layer, and quick


@pytest.fixture
def keras_xception(monkeypatch):
    """The CNN of keras.applications with random weights, which `xception` gets too."""
    keras.utils.set_random_seed(5)
    pictures = keras.Input((SIZE, SIZE, 3))
    scaled = keras.applications.xception.preprocess_input(pictures)
    cnn = keras.applications.Xception(weights=None, include_top=False, input_tensor=scaled)
    rng = np.random.default_rng(5)
    for layer in cnn.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = rng.random((4, layer.gamma.shape[0]), np.float32)
            layer.set_weights([gamma + 0.5, beta - 0.5, mean - 0.5, variance + 0.1])
    weights = {layer.name: layer.get_weights() for layer in cnn.layers if layer.weights}
    weights = xception.named(weights)
    monkeypatch.setattr(archives, "cached_weights", lambda archive: weights)
    return cnn


def test_it_says_what_the_cnn_of_keras_says(keras_xception, pattern):
    pictures = keras.Input((SIZE, SIZE, 3))
    ours = keras.Model(pictures, xception.xception(pictures))
    picture = pattern(SIZE)[None]
    expected, found = (cnn.predict_on_batch(picture) for cnn in (keras_xception, ours))
    assert expected.shape == (1, 3, 3, 2048) and expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_it_knows_every_array_of_the_cnn_of_keras(keras_xception):
    weights = archives.cached_weights(xception.ARCHIVE)
    assert set(weights) == set(xception.ARCHIVE.layers)
    for layer, parts in xception.ARCHIVE.layers.items():
        assert len(weights[layer]) == len(parts)


@pytest.mark.parametrize("native", [False, True], ids=["float32", "bfloat16"])
def test_xception_with_its_imagenet_weights(monkeypatch, pattern, native):
    """Known features, from this port after it gave those of keras.applications."""
    if archives.cached_weights(xception.ARCHIVE) is None:
        pytest.skip("the Xception weights are not in the cache of this user")
    monkeypatch.setattr(tensorflow_setup, "cpu_has_bfloat16", lambda: native)
    features = build_encoder("xception").predict_on_batch(pattern(299)[None])[0]
    assert features.dtype == np.float32
    largest = {319: 1.4453, 231: 1.3041, 1879: 1.2588, 1286: 1.2366, 854: 1.1928, 1491: 1.1906}
    tolerance = 0.05 if native else 1e-3
    np.testing.assert_allclose(features[list(largest)], list(largest.values()), rtol=tolerance)
    assert features.mean() == pytest.approx(0.10940, rel=tolerance)
    assert np.linalg.norm(normalize_features(features)) == pytest.approx(1, abs=1e-5)
