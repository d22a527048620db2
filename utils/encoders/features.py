"""Pictures in, feature vectors out: frozen ImageNet CNNs as image encoders (notebook 02)."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import islice
from typing import Any

import numpy as np
from tqdm import tqdm

from cnns import WeightsError
from utils.encoders.registry import encoder_info
from utils.errors import CourseError
from utils.images import as_pictures, read_picture, squeeze

NUM_CLASSES = 1000  # of ImageNet


def build_encoder(name: str) -> Any:
    """Build the frozen CNN of a row in `ENCODERS`. Taught in notebook 02.

    The graph is flat and begins with the preprocessing of its CNN, so that an inner layer is
    `keras.Model(model.input, model.get_layer("block5_pool").output)`. The last feature maps come
    from the layer `encoder_info(name).feature_map`; early ones are `block1_conv1` of vgg16 and
    xception, `stem` of the EfficientNets.

    Returns:
        A `keras.Model` called `name`: RGB pictures [N, S, S, 3] float32 in 0..255 to raw
        features [N, D] float32, S and D as in `encoder_info(name)`.

    Raises:
        CourseError: The encoder is unknown or its weights cannot be had.
    """
    info = encoder_info(name)
    from utils.tensorflow_setup import bfloat16_layers, keras  # seconds, needless to read a picture

    pictures = keras.Input((info.image_size, info.image_size, 3), name="pictures")
    with bfloat16_layers(info.bfloat16):
        feature_map = _call(info.build, pictures, **info.arguments)
    mean = (
        quadrant_means if info.quadrants else keras.layers.GlobalAveragePooling2D(name="features")
    )
    model = keras.Model(pictures, mean(keras.ops.cast(feature_map, "float32")), name=name)
    model.trainable = False
    return model


def build_classifier(name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return kernel [D, 1000] and bias [1000] of an encoder's ImageNet classifier, or None.

    Raises:
        CourseError: The encoder is unknown or its weights cannot be had.
    """
    info = encoder_info(name)
    return _call(info.classifier, **info.arguments) if info.classifier else None


def _call(path, *inputs, **arguments):
    """Call what "module:function" names; weights that cannot be had are a CourseError."""
    module, function = path.split(":")
    try:
        return getattr(import_module(module), function)(*inputs, **arguments)
    except WeightsError as error:
        raise CourseError(str(error)) from error


def quadrant_means(feature_map: Any) -> Any:
    """Average a feature map [N, 7, 7, C] over its four quadrants. Taught in notebook 02.

    Windows of 4 with a step of 3 cut 7 rows into 0-3 and 3-6, columns alike, so the vector
    [N, 4C] still knows left from right and top from bottom: it is top left, top right, bottom
    left, bottom right. All are Keras tensors.
    """
    from utils.tensorflow_setup import keras

    layers = keras.layers
    grid = layers.AveragePooling2D(pool_size=4, strides=3, name="quadrants")(feature_map)
    return layers.Flatten(name="features")(grid)


def normalize_features(features: np.ndarray) -> np.ndarray:
    """Take the signed square root, then divide each row by its length. Taught in notebook 02.

    The root tames the few channels that shout; the length removes contrast and exposure. Raw
    features [..., D] become float32 rows of length 1; a row of zeros stays zero.

    Source: Perronnin, Sánchez and Mensink, ECCV 2010 (power and L2 normalization).
    """
    features = np.asarray(features, np.float32)
    features = np.sign(features) * np.sqrt(np.abs(features))
    length = np.linalg.norm(features, axis=-1, keepdims=True)
    return features / np.where(length == 0, 1, length)


def extract_features(
    pictures: Iterable[Any], encoders: Any, mirrored: bool = False, progress: bool = True
) -> np.ndarray:
    """Return the mean [N, D] of the views that `extract_views` yields. Taught in notebook 02.

    That of one view has length 1, that of two is a little shorter; both are float32. Raises a
    CourseError that names the picture that is missing or damaged.
    """
    listed = encoders if isinstance(encoders, list) else [encoders]
    nothing = np.zeros((0, sum(encoder_info(encoder.name).feature_size for encoder in listed)))
    batches = extract_views(pictures, encoders, mirrored, progress)
    means = [views.mean(axis=1) for views in batches]
    return np.concatenate([nothing.astype(np.float32), *means])


def extract_views(
    pictures: Iterable[Any], encoders: Any, mirrored: bool = False, progress: bool = True
) -> Iterator[np.ndarray]:
    """Read pictures and turn each view of them into a normalized feature vector.

    Args:
        pictures: N pictures of any kind that `utils.images.read_picture` takes, in a list or a
            generator; each is read once, whatever the number of encoders.
        encoders: A model made by `build_encoder`, or a list of several, whose features are
            joined: each normalized by itself, one after the other in a row.
        mirrored: Whether to look at the mirror image of every picture too.
        progress: Whether to show a progress bar.

    Yields:
        Batch by batch in the order of `pictures`, features [B, V, D] float32 of length 1: V = 1,
        the picture as it is, or with its mirror image 2.

    Raises:
        CourseError: A picture is missing or damaged; the sentence names it.
    """
    for parts in _raw_views(pictures, encoders, mirrored, progress):
        yield _joined(parts)


def classify(
    pictures: Iterable[Any], encoders: list, classifiers: list, mirrored: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return features as `extract_features` does, and what the classifiers of the CNNs say.

    Args:
        pictures, encoders, mirrored: As `extract_views` takes them.
        classifiers: For each encoder what `build_classifier` gives, None for some but not for all.

    Returns:
        Features [N, D] and the probabilities of the classes of ImageNet [N, 1000], the mean over
        views and classifiers; both float32.

    Raises:
        CourseError: A picture is missing or damaged; the sentence names it.
    """
    from utils.tensorflow_setup import keras

    features = [extract_features([], encoders, progress=False)]
    classes = [np.zeros((0, NUM_CLASSES), np.float32)]
    for parts in _raw_views(pictures, encoders, mirrored, False):
        features.append(_joined(parts).mean(axis=1))
        pairs = zip(parts, classifiers, strict=True)
        logits = [raw @ own[0] + own[1] for raw, own in pairs if own]  # each [B, V, 1000]
        probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(np.stack(logits)))
        classes.append(probabilities.mean(axis=(0, 2)))
    return np.concatenate(features), np.concatenate(classes)


def _raw_views(pictures, encoders, mirrored, progress):
    """Yield batch by batch what each encoder says of the views: a list of arrays [B, V, D]."""
    encoders = encoders if isinstance(encoders, list) else [encoders]
    infos = [encoder_info(encoder.name) for encoder in encoders]
    pictures, _ = as_pictures(pictures)
    count = len(pictures) if isinstance(pictures, Sized) else None
    name = "+".join(info.name for info in infos)
    batch_size = max(info.batch_size for info in infos)
    ready = _read_ahead(pictures, {info.image_size for info in infos}, 2 * batch_size)
    options = {"desc": name, "unit": " pictures", "disable": not progress, "file": sys.stdout}
    with tqdm(total=count, **options) as bar:
        while batch := list(islice(ready, batch_size)):
            parts = [_views_of(batch, encoder, mirrored) for encoder in encoders]
            bar.update(len(batch))
            yield parts


def _joined(parts):
    """Features [B, V, D] of length 1 of what several encoders say."""
    normalized = [normalize_features(raw) for raw in parts]
    return np.concatenate(normalized, axis=2) / np.float32(len(parts) ** 0.5)


def _views_of(batch, encoder, mirrored):
    """Raw features [N, V, D] of a batch, in steps of the encoder's own batch size."""
    info = encoder_info(encoder.name)
    pictures = np.stack([sizes[info.image_size] for sizes in batch])
    views = [pictures, pictures[:, :, ::-1]] if mirrored else [pictures]
    features = np.empty((len(batch), len(views), info.feature_size), np.float32)
    for first in range(0, len(batch), info.batch_size):
        some = slice(first, first + info.batch_size)
        for number, view in enumerate(views):
            features[some, number] = encoder.predict_on_batch(view[some].astype(np.float32))
    return features


def _read_ahead(pictures, sizes, count):
    """Yield each picture in all sizes, in order, while threads read up to `count` ahead."""

    def read(source):
        picture = read_picture(source)
        return {size: squeeze(picture, size) for size in sizes}

    with ThreadPoolExecutor(2) as pool:
        ahead = deque()
        for picture in pictures:
            ahead.append(pool.submit(read, picture))
            if len(ahead) > count:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
