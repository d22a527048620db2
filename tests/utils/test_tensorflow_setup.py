"""What other projects need of Keras changes nothing here."""

import json
import os
import subprocess
import sys

import pytest

from utils.settings import ROOT

PROGRAM = """
from utils.tensorflow_setup import keras
layer = keras.layers.Conv2D(2, 3)
print(keras.backend.backend(), keras.config.floatx(), keras.config.image_data_format())
print(keras.config.epsilon(), keras.config.max_epochs(), keras.config.max_steps_per_epoch())
print(layer.data_format, layer.dtype_policy.name, keras.config.dtype_policy().name)
"""
USUAL = """tensorflow float32 channels_last
1e-07 None None
channels_last float32 float32
"""


def imported(folder, program=PROGRAM, **variables):
    environment = os.environ | {"KERAS_HOME": str(folder), "PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_keras_json_and_variables_change_nothing(tmp_path):
    wanted = {"floatx": "float16", "image_data_format": "channels_first", "backend": "jax"}
    (tmp_path / "keras.json").write_text(json.dumps(wanted | {"epsilon": 1e-3}))
    limits = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "many"}
    done = imported(tmp_path, KERAS_BACKEND="torch", KERAS_NNX_ENABLED="true", **limits)
    assert done.stdout == USUAL, done.stderr
    # Set anew also where Keras was imported before.
    done = imported(tmp_path, "import keras" + PROGRAM, KERAS_BACKEND="tensorflow")
    assert done.stdout == USUAL, done.stderr


@pytest.mark.parametrize(
    "content", ['{"floatx": "float8"}', "[1]", '{"image_data_format": "sideways"}']
)
def test_a_keras_json_that_keras_refuses_is_named(tmp_path, content):
    (tmp_path / "keras.json").write_text(content)
    done = imported(tmp_path)
    *_, last = done.stderr.splitlines()
    assert done.returncode and "CourseError: Keras cannot be imported" in last
    assert str(tmp_path / "keras.json") in last


def test_another_backend_that_is_there_already_is_named(tmp_path):
    program = "import keras\nkeras.backend.backend = lambda: 'jax'\n" + PROGRAM
    done = imported(tmp_path, program, KERAS_BACKEND="tensorflow")
    assert "imported before with the backend jax: restart" in done.stderr.splitlines()[-1]
