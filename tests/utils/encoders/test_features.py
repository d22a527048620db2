import io

import cv2
import numpy as np
import pytest
from PIL import Image

from utils.encoders import (
    ENCODERS,
    build_classifier,
    build_encoder,
    classify,
    extract_features,
    normalize_features,
)
from utils.encoders.features import extract_views
from utils.errors import CourseError
from utils.images import squeeze


class QuickCNN:
    """In place of a CNN: mean colour and brightness of the two halves, in a long vector."""

    def __init__(self, name):
        self.name = name
        self.batches = []

    def predict_on_batch(self, pictures):
        info = ENCODERS[self.name]
        assert pictures.shape[1:] == (info.image_size, info.image_size, 3)
        self.batches.append(len(pictures))
        features = np.zeros((len(pictures), info.feature_size), np.float32)
        middle = info.image_size // 2
        features[:, :3] = pictures[:, :, :middle].mean((1, 2))
        features[:, 3:6] = pictures[:, :, middle:].mean((1, 2))
        return features


def noisy(seed, size=96):
    """Smooth random blotches, which compress like a photograph."""
    blotches = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(blotches, (size, size), interpolation=cv2.INTER_CUBIC)


def views_of(pictures, encoders, mirrored=False):
    return np.concatenate(list(extract_views(pictures, encoders, mirrored, progress=False)))


def save(path, picture):
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture(scope="module")
def lite0():
    return build_encoder("efficientnet_lite0")


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


def test_the_second_view_is_the_mirror_image(lite0):
    picture = noisy(3, 224)
    views = views_of([picture], lite0, mirrored=True)
    one, two = (views_of([p], lite0)[:, 0] for p in (picture, picture[:, ::-1]))
    assert views.shape == (1, 2, 1280)
    np.testing.assert_allclose(views[:, 0], one, atol=1e-4)
    np.testing.assert_allclose(views[:, 1], two, atol=1e-4)
    assert not np.allclose(one, two, atol=1e-2)
    both = extract_features([picture], lite0, mirrored=True, progress=False)
    np.testing.assert_allclose(both, (one + two) / 2, atol=1e-4)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("several", [list, tuple, iter], ids=["list", "tuple", "generator"])
def test_joined_encoders_stand_side_by_side(several, mirrored):
    """A generator used to be empty when the second encoder came to it."""
    cnns = [QuickCNN("vgg16"), QuickCNN("efficientnet_lite2")]
    pictures = [noisy(seed) for seed in range(70)]
    views = views_of(several(pictures), cnns, mirrored)
    assert views.shape == (70, 1 + mirrored, 2048 + 1280)
    assert set(cnns[0].batches) == {16, 6} and set(cnns[1].batches) == {64, 6}
    for cnn, columns in zip(cnns, (slice(2048), slice(2048, None)), strict=True):
        alone = views_of(pictures, cnn, mirrored)
        np.testing.assert_allclose(views[:, :, columns], alone / 2**0.5, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(views, axis=2), 1, atol=1e-5)


def test_no_more_pictures_are_kept_than_are_at_work():
    cnns, drawn, done = [QuickCNN("vgg16"), QuickCNN("resnet50")], 0, []

    def pictures():
        nonlocal drawn
        for seed in range(400):
            drawn += 1
            done.append(drawn - sum(cnns[0].batches))
            yield noisy(seed, 32)

    assert views_of(pictures(), cnns).shape == (400, 1, 4096)
    assert max(done) < 4 * ENCODERS["resnet50"].batch_size


def test_every_kind_of_picture_with_several_encoders(tmp_path):
    """Each is read once: an open file is at its end after that."""
    path = save(tmp_path / "a.png", noisy(5))
    content = path.read_bytes()
    cnns = [QuickCNN("vgg16"), QuickCNN("efficientnet_lite2")]
    with open(path, "rb") as file:
        kinds = [path, str(path), content, io.BytesIO(content), file, Image.open(path), noisy(5)]
        views = views_of(kinds, cnns)
    assert len(views) == 7
    np.testing.assert_array_equal(views, np.repeat(views[:1], 7, axis=0))
    for kind in (str(path), content, noisy(5)):  # one alone is a list of one
        alone = views_of(kind, cnns)
        np.testing.assert_array_equal(alone, views[:1])


def test_extract_features_shows_its_progress(capsys):
    extract_features([noisy(0)], QuickCNN("vgg16"))
    assert "1/1" in capsys.readouterr().out
    extract_features([noisy(0)], [QuickCNN("vgg16"), QuickCNN("resnet50")])
    assert "vgg16+resnet50" in capsys.readouterr().out
    extract_features([noisy(0)], QuickCNN("vgg16"), progress=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("bad", ["bad.jpg", "gone.jpg", None])
def test_extract_features_names_the_bad_picture(tmp_path, bad):
    good = save(tmp_path / "good.jpg", noisy(0))
    (tmp_path / "bad.jpg").write_bytes(good.read_bytes()[:500])
    source = tmp_path / bad if bad else None
    with pytest.raises(CourseError, match=bad or "got None"):
        extract_features([good, source, good], QuickCNN("vgg16"), progress=False)


@pytest.mark.parametrize("nothing", [[], iter([])])
def test_extract_features_of_nothing(nothing):
    cnns = [QuickCNN("vgg16"), QuickCNN("resnet50")]
    assert extract_features(nothing, cnns, progress=False).shape == (0, 4096)


# --- what a classifier makes of them ---


def test_classify_gives_the_same_features_and_mean_probabilities():
    pictures = [noisy(seed) for seed in range(4)]
    encoders = [QuickCNN("efficientnet_lite0"), QuickCNN("vgg16"), QuickCNN("efficientnet_lite2")]
    rng = np.random.default_rng(0)
    one, two = rng.normal(0, 0.05, (2, 1281, 1000)).astype(np.float32)
    one, two = ((each[:-1], each[-1]) for each in (one, two))
    features, classes = classify(pictures, encoders, [one, None, two], mirrored=True)
    np.testing.assert_array_equal(features, extract_features(pictures, encoders, True, False))
    assert classes.shape == (4, 1000) and classes.dtype == np.float32
    np.testing.assert_allclose(classes.sum(1), 1, atol=1e-5)
    expected = []
    for encoder, (kernel, bias) in ((encoders[0], one), (encoders[2], two)):
        size = ENCODERS[encoder.name].image_size
        picture = squeeze(pictures[3], size)[None]
        for view in (picture, picture[:, :, ::-1]):
            scores = np.exp(encoder.predict_on_batch(view) @ kernel + bias)
            expected.append(scores[0] / scores.sum())
    np.testing.assert_allclose(classes[3], np.mean(expected, axis=0), rtol=1e-4)


def test_classify_nothing():
    encoders = [QuickCNN("efficientnet_lite0")]
    features, classes = classify([], encoders, [(np.ones((1280, 1000)), np.ones(1000))])
    assert features.shape == (0, 1280) and classes.shape == (0, 1000)


def test_classifiers_come_with_the_weights(monkeypatch):
    for name in ("efficientnet_lite0", "efficientnet_lite2"):
        kernel, bias = build_classifier(name)
        assert kernel.shape == (1280, 1000) and bias.shape == (1000,)
        assert kernel.dtype == bias.dtype == np.float32
    assert build_classifier("vgg16") is build_classifier("resnet50") is None
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(CourseError, match="is not installed: run `pip install"):
        build_classifier("efficientnet_lite0")
