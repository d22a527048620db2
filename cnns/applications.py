"""CNNs of keras.applications, with ImageNet weights."""

import os
import socket
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from cnns import WeightsError
from cnns.archives import Weights

# Keras keeps the weights of keras.applications on this host.
WEIGHT_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/"


def keras_cnn(pictures: Any, module: str, function: str) -> Any:
    """Lay a CNN of keras.applications on pictures [N, S, S, 3]; return its last feature map.

    Args:
        pictures: Keras tensor, RGB in 0..255.
        module, function: `function` in `keras.applications.<module>` builds the CNN.

    Raises:
        WeightsError: The weights are not on this machine and cannot be downloaded.
    """
    with _download_from_keras(module):
        return lay(pictures, module, function, weights="imagenet").output


def keras_weights(module: str, function: str) -> Weights:
    """Return the weights of each layer of a CNN of keras.applications that has some.

    Takes and raises what `keras_cnn` does.
    """
    with _download_from_keras(module):
        cnn = lay(keras.Input((None, None, 3)), module, function, weights="imagenet")
    return {layer.name: layer.get_weights() for layer in cnn.layers if layer.weights}


def lay(pictures: Any, module: str, function: str, weights: str | None) -> Any:
    """Lay a CNN of keras.applications on pictures; return its model, preprocessing included.

    Args:
        pictures, module, function: As `keras_cnn` takes them.
        weights: "imagenet", or None for random ones.
    """
    applications = getattr(keras.applications, module)
    scaled = applications.preprocess_input(pictures)
    build = getattr(applications, function)
    return build(weights=weights, include_top=False, input_tensor=scaled)


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
