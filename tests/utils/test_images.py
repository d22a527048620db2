import io
import json
import os
import re
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from utils.errors import CourseError
from utils.images import as_pictures, read_picture, squeeze
from utils.settings import ROOT

RED, BLUE = (230, 20, 30), (10, 40, 220)
# One EXIF entry: tag 0x0112 (orientation), type 3, count 1, value 6: turn clockwise.
TURNED = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)


def halves(height=120, width=160, left=RED, right=BLUE):
    """A picture [height, width, 3] RGB with one colour at the left, another at the right."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:, : width // 2], picture[:, width // 2 :] = left, right
    return picture


def clear_above(picture):
    """The same picture [H, W, 4], its upper half transparent."""
    rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    rgba[: len(picture) // 2, :, 3] = 0
    return rgba


def noisy(seed, size=96):
    """Smooth random blotches, which compress like a photograph."""
    blotches = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(blotches, (size, size), interpolation=cv2.INTER_CUBIC)


def save(path, rgb, *options):
    code = cv2.COLOR_RGBA2BGRA if rgb.shape[-1] == 4 else cv2.COLOR_RGB2BGR
    assert cv2.imwrite(str(path), rgb if rgb.ndim == 2 else cv2.cvtColor(rgb, code), options)
    return path


def turned_jpeg(path):
    jpeg = save(path, halves()).read_bytes()
    segment = b"\xff\xe1" + struct.pack(">H", 8 + len(TURNED)) + b"Exif\0\0" + TURNED
    path.write_bytes(jpeg[:2] + segment + jpeg[2:])
    return path


def assert_red_left_blue_right(picture, tolerance):
    height, width = picture.shape[:2]
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    assert np.abs(picture[height // 2, width // 8].astype(int) - RED).max() <= tolerance
    assert np.abs(picture[height // 2, width - 2].astype(int) - BLUE).max() <= tolerance


# --- files ---


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp", "a.tiff"])
def test_a_file_gives_an_rgb_picture(tmp_path, name):
    picture = read_picture(save(tmp_path / name, halves()))
    assert picture.shape == (120, 160, 3)
    assert_red_left_blue_right(picture, 12)


@pytest.mark.parametrize("name", ["grey.jpg", "grey.png"])
def test_grey_files(tmp_path, name):
    picture = read_picture(save(tmp_path / name, np.full((50, 70), 90, np.uint8)))
    assert picture.shape == (50, 70, 3) and np.abs(picture.astype(int) - 90).max() <= 2


@pytest.mark.parametrize("name", ["clear.png", "clear.webp"])
def test_transparency_lies_on_white(tmp_path, name):
    path = save(tmp_path / name, clear_above(halves()), cv2.IMWRITE_WEBP_QUALITY, 101)
    picture = read_picture(path)
    assert (picture[:60] == 255).all()
    assert_red_left_blue_right(picture[60:], 2)


def test_transparency_counts_before_the_picture_is_squeezed(tmp_path):
    stripes = np.zeros((64, 64, 4), np.uint8)
    stripes[:, ::2] = (200, 0, 0, 255)  # every second column is red, the others are clear
    picture = squeeze(read_picture(save(tmp_path / "a.png", stripes)), 32)
    assert np.abs(picture.astype(int) - (228, 128, 128)).max() <= 1


@pytest.mark.parametrize("deep", [halves(), clear_above(halves())], ids=["rgb", "rgba"])
def test_16_bits_are_scaled(tmp_path, deep):
    picture = read_picture(save(tmp_path / "deep.png", deep.astype(np.uint16) * 257))
    assert_red_left_blue_right(picture[61:], 0)


def test_a_photograph_is_turned_as_its_exif_entry_says(tmp_path):
    picture = read_picture(turned_jpeg(tmp_path / "phone.jpg"))
    assert picture.shape == (160, 120, 3)
    assert_red_left_blue_right(picture.transpose(1, 0, 2), 12)


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "nowhere.jpg", str(tmp_path / "nowhere.jpg")):
        with pytest.raises(CourseError, match=r"nowhere\.jpg cannot be read: No such file"):
            read_picture(path)


@pytest.mark.parametrize("path", [ROOT, "a\0.jpg", ""])
def test_what_is_no_file_at_all(path):
    with pytest.raises(CourseError, match="cannot be read"):
        read_picture(path)


def file_of(kind, **options):
    file = io.BytesIO()
    Image.new("RGB", (40, 30), RED).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b" \n" * 9, "empty"),
        (b"This is no picture.\n" * 50, "damaged, or no picture"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture: save it as JPEG or PNG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x20ftypisom\0\0\2\0", "a film"),
        (b"%PDF-1.7\n", "a PDF document"),
        (file_of("ICO"), "an icon"),
        (b"8BPS\0\1" + bytes(30), "a Photoshop file"),
        (b"PK\3\4" + bytes(30), "a zip archive"),
        (b"<!DOCTYPE html>\n<html><body>404", "an HTML page"),
        (b"\xef\xbb\xbf  <html>", "an HTML page"),
        (b"<?xml version='1.0'?>\n<svg xmlns=''/>", "an SVG drawing"),
        (b"<svg viewBox='0 0 1 1'></svg>", "an SVG drawing"),
    ],
)
def test_a_file_that_is_no_picture_is_named_as_what_it_is(tmp_path, content, what):
    path = tmp_path / "text.jpg"
    path.write_bytes(content)
    with pytest.raises(CourseError, match=rf"text\.jpg is {what}"):
        read_picture(path)
    with open(path, "rb") as file, pytest.raises(CourseError, match=rf"text\.jpg is {what}"):
        read_picture(file)
    with pytest.raises(CourseError, match=f"these bytes hold is {what}") as caught:
        read_picture(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("damage", ["zeros", "missing", "other"])
@pytest.mark.parametrize("place", [0.3, 0.5, 0.8])
def test_a_jpeg_damaged_inside_is_refused(tmp_path, options, damage, place):
    file = io.BytesIO()
    Image.fromarray(noisy(1, 300)).save(file, "JPEG", **options)
    content = bytearray(file.getvalue())
    start = int(len(content) * place)
    other = np.random.default_rng(3).integers(0, 255, 200, np.uint8).tobytes()
    content[start : start + 200] = {"zeros": bytes(200), "missing": b"", "other": other}[damage]
    with pytest.raises(CourseError, match="damaged or cut short"):
        read_picture(bytes(content))


def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken():
    bitmap = bytearray(file_of("BMP"))
    bitmap[18:26] = struct.pack("<ii", 30_000, 30_000)
    tiff = tiff_header(30_000, 30_000, bits=32, form=3, samples=3)
    for content in (bytes(bitmap), tiff, png_header(30_000, 30_000)):
        with pytest.raises(CourseError, match="too large: it has over 100 million pixels"):
            read_picture(content)


def png_header(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checked = chunk + struct.pack(">I", zlib.crc32(chunk))
    data = b"IDAT" + zlib.compress(bytes(10_000))
    checked += struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + checked


def tiff_header(width, height, bits, form, samples):
    """A TIFF without pixels: little-endian, one directory."""
    entries = [(256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, 2)]
    entries += [(273, 4, 8), (277, 3, samples), (278, 4, height), (279, 4, 1), (339, 3, form)]
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_kind_is_turned_as_its_exif_entry_says(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = cv2.resize(noisy(5, 8), (60, 40), interpolation=cv2.INTER_CUBIC)
    file = io.BytesIO()
    options = {"quality": 100} | ({"lossless": True} if kind == "WEBP" else {})
    Image.fromarray(upright).save(file, kind, exif=exif, **options)
    expected = np.asarray(ImageOps.exif_transpose(image_with(upright, exif)))
    found = read_picture(file.getvalue())
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 4


def image_with(array, exif):
    image = Image.fromarray(array)
    image.getexif().update(exif)
    return image


def test_a_deep_picture_is_turned_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    chunk = b"eXIf" + exif.tobytes()[6:]
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    content = cv2.imencode(".png", halves()[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes()
    picture = read_picture(content[:33] + chunk + content[33:])  # behind the header
    assert picture.shape == (160, 120, 3)
    assert_red_left_blue_right(picture.transpose(1, 0, 2), 0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_transparent_picture_is_turned_too(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(clear_above(halves())).save(file, kind, exif=exif, lossless=True)
    picture = read_picture(file.getvalue())
    assert picture.shape == (160, 120, 3)
    assert (picture[:, 90:] == 255).all()  # what was above is at the right
    assert np.abs(picture[20, 20].astype(int) - RED).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("shape", ["gray", "rgb"])
@pytest.mark.parametrize("name", ["deep.png", "deep.tiff"])
def test_deep_files_are_scaled_by_the_bits_that_they_use(tmp_path, bits, shape, name):
    values = np.linspace(0, 2**bits - 1, 120 * 160).reshape(120, 160).astype(np.uint16)
    pixels = values if shape == "gray" else np.dstack([values] * 3)
    found = read_picture(save(tmp_path / name, pixels))
    expected = np.rint(values * (255 / (2**bits - 1)))
    assert np.abs(found[:, :, 1].astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    "array",
    [
        np.float32([[0, 0.5, 1]]),
        np.float32([[0, 32767.5, 65535]]),
        np.int32([[0, 127, 255]]),
        np.int32([[0, 32767, 65535]]),
        np.float32([[[0] * 3, [0.5] * 3, [1] * 3]]),
    ],
)
def test_tiff_files_of_floats_and_large_integers(tmp_path, array):
    path = tmp_path / "deep.tiff"
    if array.ndim == 2:
        Image.fromarray(array).save(path)
    else:
        save(path, array)
    assert np.abs(read_picture(path)[0, :, 0].astype(int) - [0, 127, 255]).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("size", [(1, 1), (3, 500)])
def test_small_files_of_many_modes(mode, size):
    kinds = {"CMYK": ["JPEG", "TIFF"], "1": ["PNG", "TIFF", "BMP"], "RGB": ["AVIF", "JPEG2000"]}
    for kind in kinds.get(mode, ["PNG"]):
        file = io.BytesIO()
        Image.new("RGB", size, "white").convert(mode).save(file, kind)
        assert np.abs(255 - read_picture(file.getvalue()).astype(int)).max() <= 4


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_counts(kind):
    frames = [Image.new("RGB", (20, 10), color) for color in (RED, BLUE)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    assert np.abs(read_picture(file.getvalue())[5, 5].astype(int) - RED).max() <= 12


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_and_devices_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", "/dev/zero"):
        with pytest.raises(CourseError, match="is a pipe or a device"):
            read_picture(path)


def test_names_that_are_no_utf8(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    try:
        with open(path, "wb") as file:
            file.write(file_of("JPEG"))
    except OSError:
        pytest.skip("this file system wants UTF-8")
    assert read_picture(os.fsdecode(path)).shape == (30, 40, 3)
    with open(path, "wb"), pytest.raises(CourseError, match=r"caf\\xe9.jpg is empty") as caught:
        read_picture(os.fsdecode(path))
    str(caught.value).encode()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"]), st.data())
def test_damaged_bytes_give_a_picture_or_one_sentence(kind, data):
    content = bytearray(file_of(kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = read_picture(bytes(content))
    except CourseError as error:
        assert "\n" not in str(error)
    else:
        assert picture.dtype == np.uint8 and picture.shape[2] == 3


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.jpg", ()), ("p.jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)), ("a.png", ()), ("a.webp", ())],
)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_refused(tmp_path, name, options, kept):
    path = save(tmp_path / name, noisy(0, 300), *options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(CourseError, match=name):
        read_picture(path)


def test_a_jpeg_without_its_last_bytes_is_refused(tmp_path):
    path = save(tmp_path / "a.jpg", noisy(0, 300))
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(CourseError, match=r"a\.jpg"):
        read_picture(path)


# --- what else a picture may come in ---


@pytest.mark.parametrize("name", ["a.png", "turned.jpg"])
def test_every_kind_of_source_gives_the_same_picture(tmp_path, name):
    path = tmp_path / name
    path = turned_jpeg(path) if name == "turned.jpg" else save(path, noisy(1))
    expected, content = read_picture(path), path.read_bytes()
    buffer = io.BytesIO()
    buffer.write(content)  # somebody wrote into it and left it at its end
    with open(path, "rb") as file:
        for source in (str(path), content, bytearray(content), memoryview(content), buffer, file):
            np.testing.assert_array_equal(read_picture(source), expected)
        np.testing.assert_array_equal(read_picture(file), expected)  # a second time
    with Image.open(path) as image:
        np.testing.assert_allclose(read_picture(image).astype(int), expected, atol=3)
    np.testing.assert_array_equal(read_picture(expected), expected)


def test_a_stream_that_cannot_be_rewound(tmp_path):
    path = save(tmp_path / "a.png", noisy(1))
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as process:
        np.testing.assert_array_equal(read_picture(process.stdout), noisy(1))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "YCbCr", "HSV"])
def test_pil_images_of_many_modes(mode):
    image = Image.fromarray(halves()).convert(mode, palette=Image.Palette.ADAPTIVE)
    assert_red_left_blue_right(read_picture(image), 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "I", "F"])
def test_grey_pil_images(mode):
    grey = np.zeros((20, 30), np.uint8)
    grey[:, 15:] = 255
    image = Image.fromarray(grey)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    picture = read_picture(image if image.mode == mode else image.convert(mode))
    assert (picture[:, :15] == 0).all() and (picture[:, 15:] == 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pil_images_lie_on_white(tmp_path, mode):
    image = Image.fromarray(clear_above(halves())).convert(mode)
    if mode == "P":
        image.save(tmp_path / "a.png")
        image = Image.open(tmp_path / "a.png")
        assert image.mode == "P"
    assert (read_picture(image)[:60] == 255).all()
    assert (read_picture(image)[61:] < 255).all()


def test_a_truncated_pil_image_is_refused(tmp_path):
    path = save(tmp_path / "half.jpg", noisy(0, 300))
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(CourseError, match=r"half\.jpg cannot be read"):
        read_picture(Image.open(path))


@pytest.mark.parametrize(
    "array",
    [
        halves(),
        halves().astype(np.float32),
        halves() / 255,
        halves().astype(np.int64),
        halves().astype(np.uint16) * 257,
        np.dstack([halves(), np.full((120, 160), 255, np.uint8)]),
        halves()[::-1],
        np.asfortranarray(halves()),
    ],
)
def test_arrays_of_many_kinds(array):
    np.testing.assert_array_equal(read_picture(array), halves())


def test_grey_and_bool_arrays():
    assert (read_picture(np.ones((5, 6), bool)) == 255).all()
    assert read_picture(np.zeros((5, 6, 1), np.uint8)).shape == (5, 6, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5),
        np.float32(3),
        np.zeros((4, 4, 2)),
        np.zeros((2, 4, 4, 3)),
        np.zeros((0, 4, 3)),
        np.full((4, 4, 3), -1.0),
        np.full((4, 4, 3), np.nan),
        np.full((4, 4, 3), 300),
        np.full((4, 4, 3), "x"),
    ],
)
def test_arrays_that_are_no_picture_are_refused(array):
    with pytest.raises(CourseError, match="A picture must"):
        read_picture(array)


@pytest.mark.parametrize("source", [None, 3, {}, [], ["a.jpg"], object(), io.StringIO("text")])
def test_anything_else_is_refused_in_one_sentence(source):
    with pytest.raises(CourseError, match="A picture must be a file's name.*array; got") as caught:
        read_picture(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sources", "alone"),
    [
        ("a.jpg", True),
        (ROOT, True),
        (b"", True),
        (io.BytesIO(), True),
        (Image.new("RGB", (2, 2)), True),
        (np.zeros((4, 4)), True),
        (np.zeros((4, 4, 3)), True),
        (None, True),
        (["a.jpg"], False),
        (("a.jpg", None), False),
        (iter(["a.jpg"]), False),
        (np.array(["a.jpg", "b.jpg"]), False),
        (np.zeros((2, 4, 4, 3)), False),
    ],
)
def test_one_picture_is_told_from_several(sources, alone):
    pictures, found = as_pictures(sources)
    assert found is alone and (not alone or pictures == [sources])


# --- squeezing ---


def test_squeezing_shrinks_by_area_in_each_direction():
    stripes = np.zeros((10, 400, 3), np.uint8)
    stripes[:, ::2] = 200
    assert (squeeze(stripes, 100) == 100).all()


@pytest.mark.parametrize("shape", [(9, 5), (1, 400), (97, 131), (300, 451), (224, 224)])
def test_grey_pictures_are_squeezed_as_their_grey_values_are(shape):
    grey = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    squeezed = squeeze(read_picture(grey), 224)
    assert squeezed.shape == (224, 224, 3)
    assert (squeezed == squeezed[:, :, :1]).all()


# --- one way only ---


def test_pictures_are_decoded_in_one_place_only():
    decoding = re.compile(r"imread|imdecode|Image\.open|load_img|decode_(image|jpeg|png)")
    files = [*(ROOT / "utils").rglob("*.py"), *(ROOT / "scenes").rglob("*.py")]
    found = [path.name for path in files if decoding.search(path.read_text("utf-8"))]
    assert found == ["images.py"]
    for notebook in (ROOT / "notebooks").rglob("*.ipynb"):
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                assert not decoding.search("".join(cell["source"])), notebook.name


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("utils.images", ("tensorflow", "keras", "pandas")),
        ("utils.encoders.registry", ("tensorflow", "keras", "pandas", "cv2", "numpy")),
        ("utils.encoders", ("tensorflow", "keras", "pandas", "cv2", "numpy")),
        ("utils.encoders.features", ("tensorflow", "keras", "pandas")),
        ("utils.plotting", ("tensorflow", "keras")),
        ("commands.caption", ("tensorflow", "keras", "pandas", "matplotlib")),
    ],
)
def test_what_an_import_loads(module, heavy):
    code = f"import {module}, sys; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "" and done.returncode == 0, done.stdout + done.stderr
