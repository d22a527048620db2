import subprocess
import sys

import numpy as np
import pytest

from utils.errors import CourseError
from utils.files import run_folder
from utils.pretrained import pretrained_settings, share_of_known
from utils.settings import RANGES, ROOT, Settings, folder_from_environment, for_size, load_settings


def test_defaults_are_the_embedded_data_set_and_vgg16():
    settings = load_settings()
    assert (settings.dataset, settings.encoder, settings.profile) == ("scenes", "vgg16", "full")
    assert settings.data_folder == ROOT / "data" / "scenes"


def test_the_environment_chooses_and_an_argument_wins(monkeypatch):
    monkeypatch.setenv("CAPTION_DATASET", "flickr8k")
    monkeypatch.setenv("CAPTION_ENCODER", "efficientnet_lite0")
    monkeypatch.setenv("CAPTION_RUN", "wide")
    assert load_settings().encoder == "efficientnet_lite0"
    assert load_settings().run == "wide"
    assert load_settings(encoder="vgg16").encoder == "vgg16"
    assert load_settings(units=99).units == 99
    assert load_settings(units=99).named == {"units"}


@pytest.mark.parametrize("nothing", ["", " ", "\n"])
def test_an_empty_variable_is_no_choice(monkeypatch, nothing):
    for name in ("DATASET", "ENCODER", "PROFILE", "RUN", "RUNS", "DATA", "START"):
        monkeypatch.setenv(f"CAPTION_{name}", nothing)
    assert load_settings().data_folder == ROOT / "data" / "scenes"
    assert run_folder(load_settings()) == ROOT / "data" / "runs" / "scenes-vgg16"


def test_blanks_around_a_choice_are_none_of_it(monkeypatch, tmp_path):
    monkeypatch.setenv("CAPTION_DATASET", " flickr8k ")
    monkeypatch.setenv("CAPTION_DATA", f"{tmp_path}\n")
    assert load_settings().data_folder == tmp_path / "flickr8k"


@pytest.mark.parametrize("name", ["DATA", "RUNS", "ARCHIVES"])
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (".", "the project itself: give another folder"),
        (f"{ROOT}/data/..", "the project itself"),
        ("README.md", "README.md is a file: give a folder"),
        ("README.md/below/it", "README.md is a file: give a folder"),
        ("~nobodyhere/data", "nobody here has that name"),
        ("a" * 300, "which cannot be a folder"),
    ],
)
def test_a_folder_that_can_be_none_is_refused(monkeypatch, name, value, sentence):
    monkeypatch.setenv(f"CAPTION_{name}", value)
    with pytest.raises(CourseError, match=sentence) as error:
        folder_from_environment(name.lower())
    assert f"CAPTION_{name} is {value!r}" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("dataset", ["~nobodyhere/x", "a" * 300, "a\0b", "nowhere", "*"])
def test_a_data_set_that_is_nowhere(dataset):
    with pytest.raises(CourseError, match="Unknown data set"):
        load_settings(dataset=dataset)


def test_an_archive_is_no_data_set(tmp_path):
    archive = tmp_path / "pictures.zip"
    archive.touch()
    with pytest.raises(CourseError, match=r"pictures\.zip' is a file: unpack it"):
        load_settings(dataset=str(archive))


def test_another_number_of_scenes_is_another_data_set():
    assert load_settings(picture_count=200).data_folder.name == "scenes-200"
    assert load_settings(profile="fast").data_folder.name == "scenes-120"


def test_the_small_profile_takes_the_quick_encoder_unless_another_is_named(monkeypatch):
    small = load_settings(profile="small")
    assert (small.encoder, small.data_folder.name) == ("efficientnet_lite0", "scenes-400")
    assert load_settings(profile="small", encoder="vgg16").encoder == "vgg16"
    monkeypatch.setenv("CAPTION_PROFILE", "small")
    assert load_settings().encoder == "efficientnet_lite0"
    assert load_settings(profile="fast").encoder == "vgg16"
    monkeypatch.setenv("CAPTION_ENCODER", "resnet50")
    assert load_settings().encoder == "resnet50"


def test_a_folder_of_ones_own_is_a_data_set(tmp_path):
    folder = tmp_path / "holiday"
    folder.mkdir()
    assert load_settings(dataset=str(folder)).data_folder == folder
    assert load_settings(dataset=f"{folder}/../holiday/").data_folder == folder


@pytest.mark.parametrize("names", ["vgg16+efficientnet_lite2+efficientnet_lite0"])
def test_the_order_of_joined_encoders_does_not_matter(names):
    first, second, third = names.split("+")
    one = load_settings(dataset="flickr8k", encoder=names)
    other = load_settings(dataset="flickr8k", encoder=f"{third}+{second}+{first}")
    assert one.units == other.units == 512
    assert one.mirrored and other.mirrored
    assert one.feature_scale == other.feature_scale == 0.1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dataset": "flickr8"}, "Unknown data set 'flickr8': did you mean 'flickr8k'"),
        ({"dataset": "photographs"}, "Unknown data set 'photographs': choose"),
        ({"profile": "fats"}, "Unknown profile 'fats': did you mean 'fast'"),
        ({"profile": "xyz"}, "Unknown profile 'xyz': choose one of full, small, fast"),
        ({"unit": 3}, "Unknown setting 'unit': did you mean 'units'"),
        ({"learning_rates": 3}, "did you mean 'learning_rate'"),
        ({"units": 0}, "units is 0"),
        ({"units": 64.0}, "units is 64.0: give a whole number"),
        ({"units": "64"}, "units is '64': give a whole number"),
        ({"units": None}, "units is None"),
        ({"seed": True}, "seed is True"),
        ({"seed": -1}, "seed is -1"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"dropout": float("nan")}, "dropout is nan"),
        ({"alpha": float("inf")}, "alpha is inf"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast': give a number"),
        ({"mirrored": 1}, "mirrored is 1: give True or False"),
        ({"encoder": 5}, "encoder is 5: give a text"),
        ({"encoder": ""}, "must not be empty"),
        ({"run": "../other"}, "run is '../other'"),
        ({"run": "a.b"}, "run is 'a.b'"),
        ({"run": "a" * 61}, "at most 60 letters"),
        ({"reward_samples": 1}, "reward_samples is 1"),
        ({"picture_count": 10}, "picture_count is 10"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(change, sentence):
    with pytest.raises(CourseError) as error:
        load_settings(**change)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_every_number_has_a_range_and_refuses_nan():
    for name, value in vars(Settings()).items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            assert name in RANGES
            with pytest.raises(CourseError, match=name):
                Settings(**{name: float("nan")})


def test_numbers_of_numpy_are_numbers():
    settings = load_settings(units=np.int64(64), dropout=np.float32(0.5))
    assert type(settings.units) is int and type(settings.dropout) is float
    assert type(load_settings(alpha=1).alpha) is float


def test_settings_stand_on_the_ground():
    code = (
        "import sys, utils.settings; "
        "print(*{name.split('.')[0] for name in sys.modules} "
        "& {'cv2', 'pandas', 'numpy', 'tensorflow', 'keras'})"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""


def test_settings_of_a_folder_follow_its_size(tmp_path):
    own = load_settings(dataset=str(tmp_path), start="nothing")
    few, many = for_size(own, 1500, 20), for_size(own, 500_000, 20)
    assert (few.batch_size, few.min_count) == (32, 2) and few.epochs > many.epochs
    assert many == own and (many.min_count, many.batch_size) == (5, 128)
    chosen = load_settings(dataset=str(tmp_path), epochs=3)
    assert for_size(chosen, 1500, 20).epochs == 3
    assert (few.max_length, for_size(own, 1500, 75).max_length) == (30, 75)
    for name in ("scenes", "flickr8k"):
        assert for_size(load_settings(dataset=name), 100, 75) == load_settings(dataset=name)


def shared_with_pretrained(settings):
    return {name: getattr(settings, name) for name in pretrained_settings()}


def test_few_photographs_go_on_from_the_captioner_that_comes_along(tmp_path):
    own = load_settings(dataset=str(tmp_path))
    few, many = for_size(own, 1500, 20), for_size(own, 50_000, 20)
    assert (few.start, many.start) == ("pretrained", "nothing")
    assert shared_with_pretrained(few) == pretrained_settings()
    from_nothing = for_size(load_settings(dataset=str(tmp_path), start="nothing"), 1500, 20)
    assert from_nothing.start == "nothing" and from_nothing.epochs > few.epochs
    # What a vocabulary was made for counts more than the number of captions.
    assert for_size(own, 1500, 20, start="nothing") == from_nothing
    assert for_size(own, 50_000, 20, start="pretrained").start == "pretrained"


def test_another_language_starts_from_nothing(tmp_path):
    own = load_settings(dataset=str(tmp_path))
    captions = {
        "pretrained": ["a man rides a horse along the beach", "x ray of the chest of a patient"],
        "nothing": [
            "ein mann in einem hemd",
            "een man in een rode trui is op het strand",
            "一只狗",
        ],
    }
    for start, texts in captions.items():
        for text in texts:
            known = share_of_known([text])
            assert for_size(own, 1500, 20, known=known).start == start, text
            # A vocabulary of captions that were there before is no reason.
            assert for_size(own, 1500, 20, start="pretrained", known=known).start == start, text
    named = load_settings(dataset=str(tmp_path), start="pretrained")
    with pytest.raises(CourseError, match=r"is English and knows 12% .* take start='nothing'"):
        for_size(named, 1500, 20, known=0.12)


def test_what_is_known_of_no_captions_is_nothing(monkeypatch, tmp_path):
    assert share_of_known([]) == 0 and share_of_known(["a dog"]) == 1
    monkeypatch.setattr("utils.pretrained.PRETRAINED", tmp_path)
    with pytest.raises(CourseError, match=r"vocabulary\.json is missing .* git checkout"):
        share_of_known(["a dog"])


@pytest.mark.parametrize(
    "named", [{"encoder": "vgg16"}, {"units": 99}, {"mirrored": False}, {"profile": "fast"}]
)
def test_what_is_not_shared_starts_from_nothing(tmp_path, named):
    assert for_size(load_settings(dataset=str(tmp_path), **named), 1500, 20).start == "nothing"


@pytest.mark.parametrize(
    ("name", "value"),
    [("encoder", "vgg16"), ("units", 99), ("embedding_size", 99), ("mirrored", False)],
)
@pytest.mark.parametrize("dataset", ["own", "scenes", "flickr8k"])
def test_another_model_cannot_go_on_from_pretrained(tmp_path, dataset, name, value):
    dataset = str(tmp_path) if dataset == "own" else dataset
    sentence = f"{name} is {value!r}, but start='pretrained' .*: leave {name} out"
    with pytest.raises(CourseError, match=sentence):
        load_settings(dataset=dataset, start="pretrained", **{name: value})


@pytest.mark.parametrize("dataset", ["scenes", "flickr8k"])
@pytest.mark.parametrize("profile", ["full", "small", "fast"])
def test_start_takes_along_the_encoder(monkeypatch, dataset, profile):
    monkeypatch.setenv("CAPTION_START", "pretrained")
    settings = load_settings(dataset=dataset, profile=profile)
    assert shared_with_pretrained(settings) == pretrained_settings()
    assert load_settings(dataset=dataset, profile=profile, start="nothing").start == "nothing"


def test_a_missing_captioner_cannot_be_gone_on_from(monkeypatch, tmp_path):
    monkeypatch.setattr("utils.pretrained.PRETRAINED", tmp_path)
    with pytest.raises(CourseError, match="bring it back with git checkout"):
        load_settings(start="pretrained")
    assert load_settings().start == "nothing"


def test_the_fast_profile_stays_fast_whatever_the_size(tmp_path):
    fast = load_settings(dataset=str(tmp_path), profile="fast")
    assert for_size(fast, 100, 9).epochs == fast.epochs and for_size(fast, 100, 9).min_count == 1
