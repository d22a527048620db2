"""Pictures in, feature vectors out: frozen ImageNet CNNs as image encoders."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from utils.artifacts import require, save_array, write_manifest
from utils.errors import CourseError


@dataclass(frozen=True)
class EncoderInfo:
    """What one encoder takes and gives.

    Attributes:
        name: Its key in `ENCODERS`.
        image_size: Height and width of the square input picture, in pixels.
        feature_size: Length D of the feature vector.
        batch_size: Pictures to run through the CNN at once, the fastest on a CPU.
    """

    name: str
    image_size: int
    feature_size: int
    batch_size: int


ENCODERS = {
    info.name: info
    for info in (
        EncoderInfo("vgg16", 224, 2048, 16),
        EncoderInfo("efficientnet_lite0", 224, 1280, 64),
        EncoderInfo("efficientnet_lite2", 260, 1280, 64),
        EncoderInfo("resnet50", 224, 2048, 32),
        EncoderInfo("inception_v3", 299, 2048, 32),
    )
}


def encoder_info(name):
    """Return the `EncoderInfo` of an encoder. Taught in notebook 02.

    Raises:
        CourseError: There is no encoder of this name.
    """
    if name not in ENCODERS:
        raise CourseError(
            f"Unknown encoder {name!r}: choose one of {', '.join(ENCODERS)}, "
            "or several joined by + signs."
        )
    return ENCODERS[name]


def joined_encoders(name):
    """Return the `EncoderInfo`s of a name like `vgg16` or `vgg16+efficientnet_lite2`.

    Raises:
        CourseError: One of the encoders is unknown, or is named twice.
    """
    names = name.split("+")
    if len(set(names)) < len(names):
        raise CourseError(f"The encoder {name!r} names one CNN twice: name each once.")
    return [encoder_info(part) for part in names]


def feature_size(name):
    """Length D of the feature vectors of an encoder, or of several joined by + signs."""
    return sum(info.feature_size for info in joined_encoders(name))


def build_encoder(name):
    """Build a frozen CNN that maps pictures to raw feature vectors. Taught in notebook 02.

    The graph is flat and begins with the preprocessing of its CNN, so that an inner layer is
    `keras.Model(model.input, model.get_layer("block5_pool").output)`. Last feature maps:
    `block5_pool` [7, 7, 512] of vgg16, `head` [7, 7, 1280] of efficientnet_lite0 ([9, 9, 1280]
    of lite2), `conv5_block3_out` [7, 7, 2048] of resnet50, `mixed10` [8, 8, 2048] of
    inception_v3. Early ones: `block1_conv1` of vgg16, `stem` of the EfficientNets.

    Args:
        name: A key of `ENCODERS`.

    Returns:
        A `keras.Model` called `name`: RGB pictures [N, S, S, 3] float32 in 0..255 to raw
        features [N, D] float32, S and D as in `encoder_info(name)`.

    Raises:
        CourseError: The encoder is unknown or its weights cannot be had.

    Sources: Simonyan and Zisserman, arXiv:1409.1556 (VGG16); Tan and Le, arXiv:1905.11946, and
    its Lite variants (EfficientNet); He et al., arXiv:1512.03385 (ResNet-50); Szegedy et al.,
    arXiv:1512.00567 (Inception v3).
    """
    info = encoder_info(name)
    from utils.tensorflow_setup import keras  # seconds of loading, needless for a feature size

    pictures = keras.Input((info.image_size, info.image_size, 3), name="pictures")
    if name.startswith("efficientnet_lite"):
        from utils.encoders.efficientnet_lite import efficientnet_lite

        features = efficientnet_lite(name, pictures)
    else:
        from utils.encoders.weights import keras_cnn

        features = keras_cnn(name, pictures)
        if name == "vgg16":
            features = quadrant_means(features)
    model = keras.Model(pictures, features, name=name)
    model.trainable = False
    return model


def quadrant_means(feature_map):
    """Average a feature map over its four quadrants. Taught in notebook 02.

    Windows of 4 with a step of 3 cut 7 rows into 0-3 and 3-6, columns alike, so the vector
    still knows left from right and top from bottom.

    Args:
        feature_map: Keras tensor [N, 7, 7, C].

    Returns:
        Keras tensor [N, 4C]: top left, top right, bottom left, bottom right.
    """
    from utils.tensorflow_setup import keras

    layers = keras.layers
    grid = layers.AveragePooling2D(pool_size=4, strides=3, name="quadrants")(feature_map)
    return layers.Flatten(name="features")(grid)


def prepare_image(image, size):
    """Bring a decoded picture into the form all encoders take. Taught in notebook 02.

    Args:
        image: Grey [H, W] or [H, W, 1], RGB [H, W, 3] or RGBA [H, W, 4] array: bool, uint8,
            uint16, or numbers in 0..255; floats that never exceed 1 are read as 0..1.
        size: Height and width of the result, in pixels.

    Returns:
        uint8 [size, size, 3] RGB: transparency laid on white, squeezed to a square.

    Raises:
        CourseError: The array is no picture, or holds values out of range.
    """
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape:
        raise CourseError(
            "A picture must be an array of height x width, with 3 (RGB) or 4 (RGBA) channels "
            f"unless it is grey; got the shape {image.shape}."
        )
    image = _to_uint8(image)
    if image.shape[2] == 4:
        opacity = image[:, :, 3:] / np.float32(255)
        image = np.rint(image[:, :, :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
    # Shrinking needs the mean over an area, growing an interpolation; a picture may need both.
    height, width = image.shape[:2]
    image = cv2.resize(image, (min(width, size), min(height, size)), interpolation=cv2.INTER_AREA)
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)


def _to_uint8(image):
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind not in "buif":
        raise CourseError(f"A picture must be an array of numbers; got {image.dtype}.")
    # NaN fails the comparison, too.
    if image.dtype != np.uint16 and not (image.min() >= 0 and image.max() <= 255):
        raise CourseError("A picture must hold values from 0 to 255, or from 0 to 1 as floats.")
    if image.dtype == np.uint16:
        scale = 1 / 257
    elif image.dtype == bool or (image.dtype.kind == "f" and image.max() <= 1):
        scale = 255
    else:
        scale = 1
    return np.rint(image * np.float32(scale)).astype(np.uint8)


def read_image(path, size):
    """Read a picture file for an encoder. Taught in notebook 02.

    Args:
        path: A JPEG, PNG, WebP or other file that OpenCV reads: colour, grey, transparent or
            16 bit; turned as its EXIF entry says (not where it is transparent).
        size: Height and width of the result, in pixels.

    Returns:
        uint8 [size, size, 3] RGB.

    Raises:
        CourseError: The file is missing, cut short, or no picture; the sentence names it.
    """
    try:
        data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    except OSError as error:
        raise CourseError(f"The picture {path} cannot be read: {error.strerror}.") from error
    # imdecode, not imread: given half a file, imread fills the rest with grey and says nothing.
    image = None
    try:
        if data[:2].tobytes() != b"\xff\xd8":  # a JPEG has no transparency to look for
            image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if image is not None and image.ndim == 3 and image.shape[2] == 4:
            image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)
        else:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        image = None
    if image is None:
        raise CourseError(
            f"The file {path} is damaged, cut short or no picture: replace or remove it."
        )
    try:
        return prepare_image(image, size)
    except CourseError as error:
        raise CourseError(f"The file {path} cannot be used: {error}") from error


def _read_ahead(pictures, size, count):
    """Yield pictures [size, size, 3] in order while threads read up to `count` ahead."""

    def read(picture):
        if isinstance(picture, np.ndarray):
            return prepare_image(picture, size)
        return read_image(picture, size)

    with ThreadPoolExecutor(2) as pool:
        ahead = deque()
        for picture in pictures:
            ahead.append(pool.submit(read, picture))
            if len(ahead) > count:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def extract_features(pictures, encoders, mirrored=False, progress=True):
    """Read pictures and turn them into feature vectors. Taught in notebook 02.

    Args:
        pictures, encoders, mirrored, progress: As `extract_views` takes them.

    Returns:
        Features [N, D] float32, rows in the order of `pictures`: the mean of the views. That of
        one view has length 1, that of two is a little shorter.

    Raises:
        CourseError: A picture is missing or damaged; the sentence names it.
    """
    return extract_views(pictures, encoders, mirrored, progress).mean(axis=1)


def extract_views(pictures, encoders, mirrored=False, progress=True):
    """Read pictures and turn each view of them into a normalized feature vector.

    Threads read and resize the next pictures while the CNN is busy.

    Args:
        pictures: N picture files, or arrays as `prepare_image` takes them, or both.
        encoders: A model made by `build_encoder`, or a list of several, whose features are
            joined: each normalized by itself, one after the other in a row.
        mirrored: Whether to look at the mirror image of every picture too.
        progress: Whether to show a progress bar.

    Returns:
        Features [N, V, D] float32 of length 1: V = 1, the picture as it is, or with its mirror
        image 2.

    Raises:
        CourseError: A picture is missing or damaged; the sentence names it.
    """
    encoders = encoders if isinstance(encoders, list) else [encoders]
    joined = [_extract(list(pictures), encoder, mirrored, progress) for encoder in encoders]
    return np.concatenate(joined, axis=2) / np.float32(len(joined) ** 0.5)


def _extract(pictures, encoder, mirrored, progress):
    info = encoder_info(encoder.name)
    features = np.zeros((len(pictures), 1 + mirrored, info.feature_size), np.float32)
    ready = _read_ahead(pictures, info.image_size, 2 * info.batch_size)
    done = 0
    with tqdm(total=len(pictures), desc=info.name, unit=" pictures", disable=not progress) as bar:
        while batch := list(islice(ready, info.batch_size)):
            views = [np.stack(batch).astype(np.float32)]
            if mirrored:
                views.append(views[0][:, :, ::-1])
            for number, view in enumerate(views):
                raw = encoder.predict_on_batch(view)
                features[done : done + len(batch), number] = normalize_features(raw)
            done += len(batch)
            bar.update(len(batch))
    return features


def normalize_features(features):
    """Take the signed square root, then divide each row by its length. Taught in notebook 02.

    The root tames the few channels that shout; the length removes contrast and exposure.

    Args:
        features: Raw features [N, D].

    Returns:
        [N, D] float32, each row of length 1; a row of zeros stays zero.

    Source: Perronnin, Sánchez and Mensink, ECCV 2010 (power and L2 normalization).
    """
    features = np.asarray(features, np.float32)
    features = np.sign(features) * np.sqrt(np.abs(features))
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length == 0, 1, length)


def save_features(run_folder, views, encoder, **details):
    """Write `features.npy` and its manifest `features.json`.

    Args:
        run_folder: Holds the `pictures.csv` whose pictures the features are of.
        views: float32 [P, V, D] of `extract_views`, one row per row of `pictures.csv`.
        encoder: Name of the encoder.
        **details: What else the manifest shall say, JSON-serializable.

    Raises:
        CourseError: There are more or fewer rows than pictures, or `pictures.csv` is missing.
    """
    pictures = require(run_folder / "pictures.csv")
    images = pd.read_csv(pictures, dtype=str, keep_default_na=False)["image"].to_list()
    if views.shape != (len(images), views.shape[1], feature_size(encoder)):
        raise CourseError(
            f"Features of shape {views.shape} are not those of {len(images)} pictures by "
            f"{encoder}: extract them again."
        )
    path = run_folder / "features.npy"
    save_array(path, views.astype(np.float32, copy=False))
    write_manifest(path, [pictures], encoder=encoder, images=images, **details)


def load_views(run_folder):
    """Read `features.npy`: float32 [P, V, D], one row per row of `pictures.csv`.

    Raises:
        CourseError: It is missing, was changed, or was made from another `pictures.csv`.
    """
    return np.load(require(run_folder / "features.npy"), allow_pickle=False)


def load_features(run_folder):
    """Read the features that captions are made from: float32 [P, D], the mean of the views.

    Raises:
        CourseError: As `load_views`.
    """
    return load_views(run_folder).mean(axis=1)
