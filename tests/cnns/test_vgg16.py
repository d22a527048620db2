import numpy as np
import pytest

from cnns import archives, vgg16
from utils import tensorflow_setup
from utils.encoders import build_encoder, normalize_features
from utils.tensorflow_setup import keras


@pytest.fixture
def random_vgg16(monkeypatch):
    """Weights of VGG16's shapes, in place of those on the disk or the network."""
    rng = np.random.default_rng(0)
    weights, channels = {}, 3
    for layer in vgg16.LAYERS:
        filters = min(512, 64 * 2 ** (int(layer[5]) - 1))
        scale = np.float32(np.sqrt(2 / (9 * channels)))
        kernel = rng.standard_normal((3, 3, channels, filters), np.float32) * scale
        weights[layer] = [kernel, rng.standard_normal(filters, np.float32)]
        channels = filters
    monkeypatch.setattr(archives, "cached_weights", lambda archive: weights)
    return weights


def test_vgg16_in_bfloat16_says_nearly_the_same(random_vgg16, monkeypatch, pattern):
    features = []
    for native in (False, True):
        monkeypatch.setattr(tensorflow_setup, "cpu_has_bfloat16", lambda native=native: native)
        raw = build_encoder("vgg16").predict_on_batch(pattern(224)[None])
        assert raw.dtype == np.float32
        features.append(normalize_features(raw)[0])
    assert features[0] @ features[1] > 0.999
    assert keras.config.dtype_policy().name == "float32"


def test_vgg16_averages_the_quadrants_of_its_last_feature_map(random_vgg16, float32, pattern):
    model = build_encoder("vgg16")
    picture = pattern(224)[None]
    inner = keras.Model(model.input, model.get_layer("block5_pool").output)
    feature_map = inner.predict_on_batch(picture)
    assert feature_map.shape == (1, 7, 7, 512)
    grid = [feature_map[:, y : y + 4, x : x + 4].mean((1, 2)) for y in (0, 3) for x in (0, 3)]
    features = model.predict_on_batch(picture)
    assert features.shape == (1, 2048) and not model.trainable_weights
    np.testing.assert_allclose(features, np.concatenate(grid, axis=1), rtol=1e-4, atol=1e-5)


def test_vgg16_takes_bgr_minus_the_imagenet_mean(random_vgg16, float32, pattern):
    model = build_encoder("vgg16")
    picture = pattern(224)[None]
    kernel, bias = random_vgg16["block1_conv1"]
    patch = picture[0, 99:102, 49:52, ::-1] - np.array([103.939, 116.779, 123.68])
    expected = np.maximum(np.tensordot(patch, kernel, 3) + bias, 0)
    inner = keras.Model(model.input, model.get_layer("block1_conv1").output)
    np.testing.assert_allclose(
        inner.predict_on_batch(picture)[0, 100, 50], expected, rtol=1e-3, atol=1e-2
    )


def test_vgg16_with_its_imagenet_weights(float32, pattern):
    if archives.cached_weights(vgg16.ARCHIVE) is None:
        pytest.skip("the VGG16 weights are not in the cache of this user")
    features = build_encoder("vgg16").predict_on_batch(pattern(224)[None])[0]
    largest = {956: 28.6622, 444: 28.4660, 594: 28.1628, 1526: 25.7623, 82: 22.5836}
    np.testing.assert_allclose(features[list(largest)], list(largest.values()), rtol=1e-3)
