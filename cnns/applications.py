"""VGG16 and others of keras.applications, with ImageNet weights."""

import os
import socket
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import keras

from cnns import WeightsError
from cnns.vgg16_archive import archive_weights, cached_weights

# Keras keeps the weights of keras.applications on this host.
WEIGHT_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/"


def vgg16(pictures: Any) -> Any:
    """Lay VGG16 on pictures [N, 224, 224, 3]; return its last feature map [N, 7, 7, 512].

    Where the host of Keras does not answer, the weights come from the package index.

    Raises:
        WeightsError: Neither gives them.

    Source: Simonyan and Zisserman, arXiv:1409.1556.
    """
    weights = cached_weights()
    if weights is None:
        with suppress(WeightsError):
            return keras_cnn(pictures, "vgg16", "VGG16")
        weights = archive_weights()
    cnn = _lay(pictures, "vgg16", "VGG16", weights=None)
    for layer, arrays in weights.items():
        cnn.get_layer(layer).set_weights(arrays)
    return cnn.output


def keras_cnn(pictures: Any, module: str, function: str) -> Any:
    """Lay a CNN of keras.applications on pictures [N, S, S, 3]; return its last feature map.

    Args:
        pictures: Keras tensor, RGB in 0..255.
        module, function: `function` in `keras.applications.<module>` builds the CNN.

    Raises:
        WeightsError: The weights are not on this machine and cannot be downloaded.
    """
    with _download_from_keras(module):
        return _lay(pictures, module, function, weights="imagenet").output


def _lay(pictures, module, function, weights):
    module = getattr(keras.applications, module)
    scaled = module.preprocess_input(pictures)
    return getattr(module, function)(weights=weights, include_top=False, input_tensor=scaled)


@contextmanager
def _download_from_keras(name):
    """Let Keras load or download weights, but fail soon and with one sentence."""
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)  # a stalled download would otherwise wait for ever
    try:
        if not any(folder.glob(f"{name}_weights*notop.h5")) and not host_answers():
            raise ConnectionError(f"{WEIGHT_HOST} does not answer")
        yield
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise WeightsError(
            f"The weights of {name} could not be downloaded from the host of Keras: try again when "
            "it answers, or choose efficientnet_lite0, whose weights are installed already."
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)


def host_answers(seconds: float = 6) -> bool:
    """Tell within `seconds` whether the host of Keras can be reached."""
    answers = []

    def ask():
        request = urllib.request.Request(WEIGHT_HOST, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=seconds).close()
            answers.append(True)
        except OSError as error:
            answers.append(isinstance(error, urllib.error.HTTPError))  # an error page is an answer

    # In a thread, because a timeout bounds neither the name look-up nor the number of addresses.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return any(answers)
