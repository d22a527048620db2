"""One way from a file, bytes or an array to an RGB picture (taught in notebook 02)."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from utils.errors import CourseError

ARRAY_MODES = ("1", "L", "RGB", "RGBA", "I;16", "I;16B", "I;16L", "I", "F")  # of a PIL image


def read_picture(source: Any) -> np.ndarray:
    """Read one picture, whatever it comes in. Taught in notebook 02.

    Args:
        source: The path of a JPEG, PNG, WebP or other file that OpenCV reads, its bytes, or the
            file opened for reading bytes: colour, grey, transparent or 16 bit, turned as its EXIF
            entry says (not where it is transparent). Or a PIL image. Or an array: grey [H, W] or
            [H, W, 1], RGB [H, W, 3] or RGBA [H, W, 4]; bool, uint8, uint16, or numbers in
            0..255; floats that never exceed 1 are read as 0..1.

    Returns:
        uint8 [H, W, 3] RGB, transparency laid on white.

    Raises:
        CourseError: It is missing, cut short, or no picture; the sentence names the file.
    """
    if isinstance(source, Image.Image):
        return _to_rgb(_pixels(source))
    if hasattr(source, "__array__"):
        return _to_rgb(np.asarray(source))
    name, content = _content(source)
    image = _decode(np.frombuffer(content, np.uint8))
    if image is None:
        raise CourseError(f"{name} is damaged, cut short or no picture: replace or remove it.")
    try:
        return _to_rgb(image)
    except CourseError as error:
        raise CourseError(f"{name} cannot be used: {error}") from error


def squeeze(picture: np.ndarray, size: int) -> np.ndarray:
    """Squeeze a picture uint8 [H, W, 3] to [size, size, 3] pixels. Taught in notebook 02."""
    # Shrinking needs the mean over an area, growing an interpolation; a picture may need both.
    height, width = picture.shape[:2]
    smaller = (min(width, size), min(height, size))
    picture = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)


def as_pictures(sources: Any) -> tuple[Iterable[Any], bool]:
    """Tell one picture, as `read_picture` takes it, from several.

    Several are a list, tuple, generator, table column or array [N, H, W, 3]. Returns the
    pictures, to loop over, and whether it is one picture that stands alone. What is neither
    counts as one, which `read_picture` refuses.
    """
    one = isinstance(sources, (str, os.PathLike, bytes, bytearray, memoryview, Image.Image))
    one = one or hasattr(sources, "read") or len(getattr(sources, "shape", ())) in (2, 3)
    return ([sources], True) if one or not isinstance(sources, Iterable) else (sources, False)


def _content(source):
    """Return how to call a source in a sentence, and its bytes."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "What these bytes hold", source
    if isinstance(source, (str, os.PathLike)):
        try:
            return f"The file {source}", Path(source).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CourseError(f"The picture {source} cannot be read: {reason}.") from error
    if hasattr(source, "read"):
        with suppress(OSError, AttributeError):  # a stream cannot be rewound
            source.seek(0)
        content = source.read()
        if isinstance(content, bytes):
            return f"The file {getattr(source, 'name', 'that was opened')}", content
    raise CourseError(
        "A picture must be a file's name, bytes, a file opened for reading bytes, a PIL image or "
        f"an array; got {'None' if source is None else f'a {type(source).__name__}'}."
    )


def _decode(data):
    """Decode the bytes of a picture file, or return None if they are none."""
    # imdecode, not imread: given half a file, imread fills the rest with grey and says nothing.
    with suppress(cv2.error):
        jpeg = data[:2].tobytes() == b"\xff\xd8"  # it has no transparency to look for
        image = None if jpeg else cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if image is not None and image.shape[2:] == (4,):
            return cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)
        return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH)
    return None


def _pixels(image):
    """Return the array of a PIL image, turned as its EXIF entry says."""
    try:
        image = ImageOps.exif_transpose(image)
        image = image.convert("RGBA") if image.has_transparency_data else image
        return np.asarray(image if image.mode in ARRAY_MODES else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        name = getattr(image, "filename", "") or "given"
        raise CourseError(f"The PIL image {name} cannot be read: {error}.") from error


def _to_rgb(image):
    """Bring an array of any depth and number of channels into uint8 RGB."""
    image = image[:, :, None] if image.ndim == 2 else image
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape:
        raise CourseError(
            "A picture must be an array of height x width, with 3 (RGB) or 4 (RGBA) channels "
            f"unless it is grey; got the shape {image.shape}."
        )
    image = _to_uint8(image)
    if image.shape[2] == 4:
        opacity = image[:, :, 3:] / np.float32(255)
        image = np.rint(image[:, :, :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def _to_uint8(image):
    kind, scale = image.dtype.kind, 1.0
    if image.dtype == np.uint8:
        return image
    if kind not in "buif":
        raise CourseError(f"A picture must be an array of numbers; got {image.dtype}.")
    if image.dtype.type is np.uint16:
        scale = 1 / 257
    elif not (image.min() >= 0 and image.max() <= 255):  # NaN fails the comparison, too
        raise CourseError("A picture must hold values from 0 to 255, or from 0 to 1 as floats.")
    elif kind == "b" or (kind == "f" and image.max() <= 1):
        scale = 255
    return np.rint(image * np.float32(scale)).astype(np.uint8)
