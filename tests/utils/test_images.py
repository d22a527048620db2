import io
import json
import re
import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

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


@pytest.mark.parametrize("content", [b"", b"This is no picture.\n" * 50, b"\xff\xd8\xff"])
def test_a_file_that_is_no_picture_is_named(tmp_path, content):
    (tmp_path / "text.jpg").write_bytes(content)
    with pytest.raises(CourseError, match=r"text\.jpg is damaged"):
        read_picture(tmp_path / "text.jpg")
    with (
        open(tmp_path / "text.jpg", "rb") as file,
        pytest.raises(CourseError, match=r"text\.jpg is damaged"),
    ):
        read_picture(file)
    with pytest.raises(CourseError, match="these bytes hold is damaged"):
        read_picture(content)


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
    assert sorted(found) == ["images.py", "photo_page.py"]  # which looks at a picture's size only
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
