import pytest

from utils.encoders import ENCODERS, build_encoder, encoder_info, feature_size, joined_encoders
from utils.errors import CourseError
from utils.tensorflow_setup import keras


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("vgg19", "vgg16"),
        ("VGG16", "vgg16"),
        ("efficientnet-lite0", "efficientnet_lite0"),
        ("efficientnet_lite", "efficientnet_lite"),
        ("resnet", "resnet50"),
    ],
)
def test_an_unknown_encoder_gets_a_suggestion(name, suggestion):
    for door in (encoder_info, joined_encoders, feature_size, build_encoder):
        with pytest.raises(CourseError, match=f"{name}.*did you mean '{suggestion}.*choose one of"):
            door(name)


@pytest.mark.parametrize("name", ["", "transformer", "vgg16+", "vgg16 + resnet50"])
def test_an_unknown_encoder_gets_the_list(name):
    with pytest.raises(CourseError, match="Unknown encoder.*choose one of vgg16.*joined by"):
        joined_encoders(name)


def test_joined_encoders():
    infos = joined_encoders("efficientnet_lite2+vgg16")
    assert [info.name for info in infos] == ["efficientnet_lite2", "vgg16"]
    assert feature_size("efficientnet_lite2+vgg16") == 1280 + 2048
    with pytest.raises(CourseError, match="one CNN twice"):
        joined_encoders("vgg16+resnet50+vgg16")


@pytest.mark.parametrize("name", ENCODERS)
def test_a_row_says_what_the_encoder_is(name, monkeypatch, tmp_path):
    """Built with random weights, since the true ones of some are a download away."""
    from cnns import applications, archives

    def randomly(pictures, module, function, weights):
        return lay(pictures, module, function, weights=None)

    lay = applications.lay
    monkeypatch.setattr(applications, "lay", randomly)
    monkeypatch.setattr(applications, "host_answers", lambda: True)
    monkeypatch.setattr(archives, "cache_folder", lambda: tmp_path)
    info, model = encoder_info(name), build_encoder(name)
    size = info.image_size
    assert model.name == name and not model.trainable_weights
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, info.feature_size)
    rows = {"inception_v3": 8, "efficientnet_lite1": 8, "efficientnet_lite2": 9, "xception": 10}
    side = rows.get(name, 7)
    channels = 512 if info.quadrants else info.feature_size
    feature_map = model.get_layer(info.feature_map).output
    assert feature_map.shape == (None, side, side, channels)
    assert isinstance(keras.Model(model.input, feature_map), keras.Model)
    assert all((info.weights, info.licence, info.paper))


def test_a_new_encoder_is_one_row(monkeypatch):
    """A mean colour, from the one function that a row names: the picture is the feature map."""
    import sys
    from dataclasses import replace
    from types import ModuleType

    import numpy as np

    from utils.encoders import extract_features

    module = ModuleType("mean_color")
    module.build = lambda pictures, scale: pictures * scale
    monkeypatch.setitem(sys.modules, "mean_color", module)
    row = replace(
        ENCODERS["vgg16"],
        name="mean_color",
        image_size=8,
        feature_size=3,
        build="mean_color:build",
        quadrants=False,
        bfloat16=False,
        arguments={"scale": 4.0},
    )
    monkeypatch.setitem(ENCODERS, "mean_color", row)
    picture = np.full((20, 30, 3), (0, 16, 81), np.uint8)
    features = extract_features([picture], build_encoder("mean_color"), progress=False)
    np.testing.assert_allclose(features, [np.sqrt([0, 16 / 97, 81 / 97])], atol=1e-6)
