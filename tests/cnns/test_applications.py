import pytest

from cnns import applications
from utils.encoders import build_encoder
from utils.errors import CourseError
from utils.tensorflow_setup import keras


@pytest.mark.parametrize("name", ["resnet50", "inception_v3"])
def test_encoders_whose_weights_cannot_be_downloaded(offline, name):
    with pytest.raises(CourseError, match=f"{name}.*host of Keras.*efficientnet_lite0"):
        build_encoder(name)


@pytest.mark.parametrize("name", ["VGG16", "Xception"])
def test_encoders_without_any_source(offline, tmp_path, name):
    with pytest.raises(CourseError, match=f"{name}.*neither.*efficientnet_lite0"):
        build_encoder(name.lower())
    assert not (tmp_path / "cache").exists()


def test_a_download_that_breaks_off_is_one_sentence(offline, monkeypatch):
    def break_off(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(applications, "host_answers", lambda: True)
    monkeypatch.setattr(keras.applications.resnet50, "ResNet50", break_off)
    with pytest.raises(CourseError, match="resnet50 could not be downloaded"):
        build_encoder("resnet50")
