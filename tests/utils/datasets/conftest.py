"""Pictures that differ from one another, for the tests of data sets."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def write_picture():
    """A function that writes a JPEG whose noise depends on a number, with its folders."""

    def write(path, value):
        pixels = np.random.default_rng(value).integers(0, 255, (40, 50, 3), dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())

    return write
