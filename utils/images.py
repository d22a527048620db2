"""One way from a file, bytes or an array to an RGB picture (taught in notebook 02)."""

import io
import os
import re
import stat
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from utils.errors import CourseError, shown_name

ARRAY_MODES = ("1", "L", "RGB", "RGBA", "I;16", "I;16B", "I;16L", "I", "F")  # of a PIL image
READABLE = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "PPM")
MOST_PIXELS = 100_000_000  # 300 MB once decoded; a file of a few kB may claim far more
DEPTHS = (8, 10, 12, 14, 16, 24, 32)  # bits per number that cameras and scanners use
# What lies in picture folders and cannot be read here, by its first bytes.
OTHERS = {
    rb"\s*$": "empty",
    rb"(?s)....ftyp(hei|hev|mif1|msf1)": "a HEIC picture",
    rb"(?s)....ftyp(avi|mp4|isom|M4V|qt)": "a film, or an AVIF picture of a kind that is not known",
    rb"%PDF": "a PDF document",
    rb"\x00\x00[\x01\x02]\x00": "an icon",
    rb"8BPS": "a Photoshop file",
    rb"PK\x03\x04": "a zip archive",
    rb"(?i)\W*(<!doctype html|<html)": "an HTML page",
    rb"(?is)\W*(<\?xml.*)?<svg": "an SVG drawing",
}
# The limit is ours, and is said in a sentence of ours.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # damaged EXIF entries


def read_picture(source: Any) -> np.ndarray:
    """Read one picture, whatever it comes in. Taught in notebook 02.

    Args:
        source: The path of a picture file, its bytes, or the file opened for reading bytes:
            JPEG, PNG, WebP, TIFF, GIF (its first frame), BMP, JPEG 2000, AVIF or PPM; colour,
            grey, transparent or deep, turned as its EXIF entry says. Or a PIL image. Or an array:
            grey [H, W] or [H, W, 1], RGB [H, W, 3] or RGBA [H, W, 4]; bool, uint8, uint16, or
            numbers in 0..255; floats that never exceed 1 are read as 0..1.

    Returns:
        uint8 [H, W, 3] RGB, transparency laid on white. Files and uint16 arrays with values
        beyond 255 are scaled by the bits that they use: 12-bit pictures lie in 16-bit files.

    Raises:
        CourseError: It is missing, damaged, too large, or no picture; the sentence names the file
            and, where that can be told, says what it is instead.
    """
    if isinstance(source, Image.Image):
        return _to_rgb(_pixels(source))
    if hasattr(source, "__array__"):
        return _to_rgb(np.asarray(source))
    return decode_picture(*picture_content(source))


def decode_picture(name: str, content: bytes) -> np.ndarray:
    """Decode what `picture_content` returned, as `read_picture` does: uint8 [H, W, 3] RGB.

    Raises:
        CourseError: As `read_picture`; the sentence begins with `name`.
    """
    image, fault = _opened(content)
    if fault:
        raise CourseError(f"{name} is {fault}.")
    try:
        return _to_rgb(_decode(image, content))
    except CourseError as error:
        raise CourseError(f"{name} cannot be used: {error}") from error
    except Exception as error:  # decoders raise whatever they like over damaged bytes
        raise CourseError(f"{name} is damaged or cut short: replace or remove it.") from error


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


def picture_content(source: Any) -> tuple[str, bytes]:
    """Return how to call a file in a sentence, and its bytes.

    Args:
        source: A path, bytes, or a file opened for reading bytes, as `read_picture` takes them.

    Raises:
        CourseError: It cannot be read, or it is a pipe or device, which would be waited for.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "What these bytes hold", bytes(source)
    if isinstance(source, (str, os.PathLike)):
        name = shown_name(source)
        try:
            mode = os.stat(source).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise CourseError(f"{name} is a pipe or a device: name a picture file.")
            return f"The file {name}", Path(source).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CourseError(f"The picture {name} cannot be read: {reason}.") from error
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


def _opened(content):
    """Open the bytes of a picture file: a PIL image that is not yet decoded, and what hinders that.

    Without an image and without a fault it is a TIFF that only OpenCV may know.
    """
    image = None
    try:
        image = Image.open(io.BytesIO(content))
        pixels, known = image.width * image.height, image.format in READABLE
    except Image.DecompressionBombError:
        pixels, known = MOST_PIXELS + 1, True
    except Exception:  # as above: damaged bytes
        pixels = _tiff_pixels(content)
        known = pixels > 0
    if pixels > MOST_PIXELS:
        millions = MOST_PIXELS // 1_000_000
        return image, f"too large: it has over {millions} million pixels, make it smaller"
    if known:
        return image, None
    for beginning, name in OTHERS.items():
        if re.match(beginning, content[:1000]):
            return image, name if name == "empty" else f"{name}: save it as JPEG or PNG"
    return image, "damaged, or no picture of a kind that is read here: replace or remove it"


def _tiff_pixels(content):
    """Number of pixels of a TIFF that Pillow does not know but OpenCV may, such as color floats."""
    if content[:4] not in (b"II*\0", b"MM\0*"):
        return 0
    with suppress(Exception):  # as above
        header = TiffImagePlugin.ImageFileDirectory_v2(content[:8])
        file = io.BytesIO(content)
        file.seek(header.next)
        header.load(file)
        return header[256] * header[257]  # width and height
    return 0


def _decode(image, content):
    """Decode the bytes of a picture file, which `_opened` has opened."""
    if image is None:
        return _by_opencv(content)
    if image.format in ("JPEG", "MPO"):
        # `strict`: others fill with grey what is damaged inside, and say nothing.
        kind = "CMYK" if image.mode == "CMYK" else "RGB"
        pixels = simplejpeg.decode_jpeg(content, kind, strict=True)
        if kind == "CMYK":
            return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
        return _turned(pixels, image.getexif().get(ExifTags.Base.Orientation))
    if image.mode.startswith("RGB") and ";16" in str(image.tile):
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        image.load()  # which finds damage; but it keeps only 8 of the 16 bits
        pixels = _by_opencv(content)  # which turns TIFF files itself
        return pixels if image.format == "TIFF" else _turned(pixels, orientation)
    pixels = _array_of(image)
    return pixels if pixels.dtype == np.uint8 else _used_bits(pixels)


def _by_opencv(content):
    # Unchanged: asked for RGB, OpenCV 5.0 now and then returns garbage for deep TIFF files.
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("OpenCV cannot decode it")
    if pixels.ndim == 3:
        order = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
        pixels = cv2.cvtColor(pixels, order)
    return _used_bits(pixels)


def _turned(pixels, orientation):
    """Turn an array as EXIF says (JEITA CP-3451, tag 274)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels


def _used_bits(pixels):
    """Scale numbers beyond 255 to 0..255 by the smallest usual depth that holds them."""
    highest = pixels.max() if pixels.size and pixels.dtype.kind in "uif" else 0
    depth = next((bits for bits in DEPTHS if highest < 2**bits), None)
    if depth in (None, 8) or not pixels.min() >= 0:  # what cannot be a picture is refused later
        return pixels
    return pixels * np.float32(255 / (2**depth - 1))


def _pixels(image):
    """Return the array of a PIL image that somebody else made."""
    try:
        return _array_of(image)
    except (OSError, SyntaxError, ValueError) as error:
        name = getattr(image, "filename", "") or "given"
        raise CourseError(f"The PIL image {name} cannot be read: {error}.") from error


def _array_of(image):
    """Return the array of a PIL image, turned as its EXIF entry says."""
    image = ImageOps.exif_transpose(image)
    image = image.convert("RGBA") if image.has_transparency_data else image
    return np.asarray(image if image.mode in ARRAY_MODES else image.convert("RGB"))


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
        image = _used_bits(image)
    if not (image.min() >= 0 and image.max() <= 255):  # NaN fails the comparison, too
        raise CourseError("A picture must hold values from 0 to 255, or from 0 to 1 as floats.")
    if kind == "b" or (kind == "f" and image.max() <= 1):
        scale = 255
    return np.rint(image * np.float32(scale)).astype(np.uint8)
