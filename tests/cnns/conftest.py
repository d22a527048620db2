"""What the tests of the encoders share."""

import subprocess

import numpy as np
import pytest

from cnns import applications, archives
from utils import tensorflow_setup


@pytest.fixture
def pattern():
    """Two ramps and a checkerboard [size, size, 3], the same numbers on every machine."""

    def draw(size):
        y, x = np.mgrid[:size, :size]
        ramps = [x * 255 // (size - 1), y * 255 // (size - 1), (x // 16 + y // 16) % 2 * 255]
        return np.stack(ramps, axis=2).astype(np.float32)

    return draw


@pytest.fixture
def float32(monkeypatch):
    """Exact arithmetic, whatever the CPU offers."""
    monkeypatch.setattr(tensorflow_setup, "cpu_has_bfloat16", lambda: False)


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A machine with an empty cache that reaches neither the Keras host nor a package index."""

    def fail(command, **options):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(applications, "host_answers", lambda: False)
    monkeypatch.setattr(archives, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
