"""The files of a run: what opens, what is refused, and with which sentence."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from utils.artifacts import fingerprint, manifest_path
from utils.errors import CourseError
from utils.files import FILES, run_folder, runs_root
from utils.run import Run, open_run
from utils.settings import load_settings

WORDS = ["<padding>", "<start>", "<end>", "<unknown>", "a", "dog", "runs"]


class FakeModel:
    """Saves like a Keras model, without Keras."""

    def __init__(self, content):
        self.content = content

    def save(self, path):
        path.write_bytes(self.content)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder of one's own, and all runs in a temporary folder."""
    monkeypatch.setenv("CAPTION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CAPTION_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "holiday"
    (folder / "Images").mkdir(parents=True)
    for name in "abcdef":
        (folder / "Images" / f"{name}.jpg").write_bytes(f"picture {name}".encode())
    (folder / "captions.txt").write_text("image,caption\n")
    return folder


def settings_of(data, **changes):
    return load_settings(dataset=str(data), encoder="efficientnet_lite2", **changes)


def clean(data, **changes):
    """What notebook 01 writes."""
    run = Run(settings_of(data, **changes), "01_data_cleaning")
    images = [f"{name}.jpg" for name in "abcdef"]
    splits = ["train", "train", "train", "dev", "test", "train"]
    captions = pd.DataFrame({"image": images, "split": splits, "caption": "a dog runs"})
    prints = [fingerprint(data / "Images" / image) for image in images]
    raw = SimpleNamespace(sources=(data / "captions.txt",), image_folder=data / "Images")
    run.save_clean(raw, captions, pd.DataFrame({"image": images, "sha256": prints}))
    return run


def extract(data, **changes):
    """What notebook 02 writes."""
    run = Run(settings_of(data, **changes), "02_feature_extraction")
    views = 1 + run.settings.mirrored
    features = np.random.default_rng(views).normal(size=(6, views, 5)).astype(np.float32)
    run.save("features.npy", features, seconds=1.5)


def tokenize(data, **changes):
    """What notebook 03 writes."""
    run = Run(settings_of(data, **changes), "03_tokenization")
    words = WORDS[: 8 - run.settings.min_count]
    run.save("vocabulary.json", {"words": words})
    run.save("tokens.npy", np.tile(np.array([1, 4, 5, 6, 2], np.int32), (6, 1)))


def learn(data, **changes):
    """What notebook 05 writes."""
    run = Run(settings_of(data, **changes), "05_training")
    run.save("model.keras", FakeModel(repr(run.settings.units).encode()))
    run.save("history.csv", pd.DataFrame({"epoch": [1], "dev_loss": [2.0]}))


def evaluate(data, **changes):
    """What notebook 06 writes."""
    run = Run(settings_of(data, **changes), "06_evaluation")
    run.save("predictions.csv", pd.DataFrame({"image": ["e.jpg"], "caption": ["a dog"]}))
    scores = {"test": {"3": {"bleu_4": 20.0, "cider_d": 50.0}}, "beam_size": 3}
    run.save("metrics.json", scores)


@pytest.fixture
def whole(data):
    """A run after notebooks 01 to 06, by default settings but min_count 1."""
    clean(data)
    extract(data)
    tokenize(data, min_count=1)
    learn(data, units=64)
    evaluate(data)
    return data


def refused(data, name, sentence, notebook="06_evaluation", **changes):
    with pytest.raises(CourseError) as error:
        Run(settings_of(data, **changes), notebook).check(name)
    assert sentence in str(error.value), str(error.value)
    assert "\n" not in str(error.value)


def test_a_whole_run_holds(whole):
    run = Run(settings_of(whole))
    made = [name for name, made in FILES.items() if made.notebook < "07" and name != "defects.csv"]
    for name in made:
        assert run.check(name) == fingerprint(run.path(name))
    assert run.load("features.npy").shape == (6, 1, 5)
    assert run.features().shape == (6, 5)
    assert run.vocabulary().words == tuple(WORDS)
    assert run.splits() == ["train", "dev", "test"]
    features, rows, tokens = run.captions_of("train")
    assert features.ndim == 3 and rows.tolist() == [0, 1, 2, 5] and tokens.shape == (4, 5)
    images, features, references = run.pictures_of("dev")
    assert images == ["d.jpg"] and references == [["a dog runs"]]
    np.testing.assert_array_equal(features, run.features()[[3]])
    assert run.picture_path("d.jpg").read_bytes() == b"picture d"
    assert run.manifest("features.npy")["seconds"] == 1.5


def test_settings_are_said_once(whole):
    run = Run(settings_of(whole), "06_evaluation")
    assert (run.settings.units, run.settings.min_count) == (64, 1)
    assert run.holds("predictions.csv")
    # The notebook that makes a file goes by its own settings cell.
    assert Run(settings_of(whole), "05_training").settings.units == 256
    assert not Run(settings_of(whole), "05_training").holds("model.keras")
    assert Run(settings_of(whole), "05_training").settings.min_count == 1


def test_the_search_chosen_in_evaluation_counts_from_then_on(whole):
    evaluate(whole, alpha=0.25, beam_size=5)
    for notebook in ("07_self_critical_training", None):
        settings = Run(settings_of(whole), notebook).settings
        assert (settings.alpha, settings.beam_size) == (0.25, 5)


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("model.keras", {"units": 32}, "units=64, but the settings say 32: run 05_training.ipynb"),
        ("predictions.csv", {"seed": 9}, "seed=7, but the settings say 9: run 05_training.ipynb"),
        ("metrics.json", {"dropout": 0.1}, "model.keras of the run"),
        ("vocabulary.json", {"min_count": 3}, "min_count=1, but the settings say 3: run 03_token"),
        ("model.keras", {"min_count": 3}, "run 03_tokenization.ipynb with min_count=3 first"),
        ("features.npy", {"mirrored": True}, "mirrored=False, but the settings say True: run 02_f"),
        ("model.keras", {"mirrored": True}, "run 02_feature_extraction.ipynb with mirrored=True"),
    ],
)
def test_another_setting_than_the_recorded_one_is_refused(whole, name, changes, sentence):
    refused(whole, name, sentence, **changes)


def test_a_setting_of_a_later_notebook_does_not_matter_to_an_earlier_file(whole):
    run = Run(settings_of(whole, units=32, alpha=0.1, reward_samples=3), "06_evaluation")
    assert run.holds("tokens.npy")


def test_features_of_another_encoder_are_refused(whole):
    lite2 = run_folder(settings_of(whole))
    other = load_settings(dataset=str(whole), encoder="efficientnet_lite0")
    shutil.copytree(lite2, run_folder(other))
    with pytest.raises(CourseError, match="encoder='efficientnet_lite2', but the settings say"):
        Run(other, "05_training").check("features.npy")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("captions.csv", "captions.csv was changed after it was made: rerun 01_data_cleaning"),
        ("pictures.csv", "pictures.csv was changed after it was made: rerun 01_data_cleaning"),
        ("features.npy", "features.npy was changed after it was made: rerun 02_feature"),
        ("vocabulary.json", "vocabulary.json was changed after it was made: rerun 03_token"),
        ("tokens.npy", "tokens.npy was changed after it was made: rerun 03_token"),
        ("model.keras", "model.keras was changed after it was made: rerun 05_training"),
        ("history.csv", "history.csv was changed after it was made: rerun 05_training"),
        ("predictions.csv", "predictions.csv was changed after it was made: rerun 06_eval"),
    ],
)
@pytest.mark.parametrize("gone", [False, True])
def test_the_whole_chain_is_checked(whole, name, sentence, gone):
    path = Run(settings_of(whole)).path(name)
    if gone:
        path.unlink()
        sentence = f"{name} is missing"
    else:
        path.write_bytes(path.read_bytes() + b"\n")
    refused(whole, "metrics.json", sentence)


def test_what_is_missing_lowest_is_named_first(data):
    refused(data, "metrics.json", "run 01_data_cleaning.ipynb")
    clean(data)
    refused(data, "metrics.json", "run 02_feature_extraction.ipynb")


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"sha256": 1}'])
def test_a_damaged_manifest_is_named(whole, content):
    path = Run(settings_of(whole)).path("model.keras")
    manifest_path(path).write_text(content)
    refused(whole, "predictions.csv", "model.json in")


def test_training_anew_makes_scores_stale(whole):
    learn(whole, units=128)
    refused(whole, "metrics.json", "predictions.csv was made from another model.keras: rerun 06")
    evaluate(whole)
    assert Run(settings_of(whole), "06_evaluation").settings.units == 128
    assert Run(settings_of(whole)).holds("metrics.json")


def test_cleaning_again_with_the_same_result_changes_nothing(whole):
    clean(whole)
    assert Run(settings_of(whole)).holds("metrics.json")


def test_a_photograph_that_was_replaced_is_noticed(whole):
    (whole / "Images" / "d.jpg").write_bytes(b"another")
    refused(whole, "features.npy", "d.jpg was changed or removed since")
    refused(whole, "metrics.json", "d.jpg was changed or removed since")
    (whole / "Images" / "d.jpg").write_bytes(b"picture d")
    assert Run(settings_of(whole)).holds("metrics.json")


def test_raw_captions_that_were_changed_are_noticed(whole):
    (whole / "captions.txt").write_text("image,caption\na.jpg,new\n")
    refused(whole, "tokens.npy", "captions.txt was changed or removed since: rerun 01")


def test_a_run_serves_where_its_photographs_are_not(whole):
    settings = settings_of(whole)
    shutil.rmtree(whole)
    run = open_run(run_folder(settings))
    assert run.holds("metrics.json")
    assert run.settings.units == 64


def test_what_was_made_anew_while_a_notebook_was_open_is_noticed(whole):
    run = Run(settings_of(whole), "05_training")
    run.load("tokens.npy")
    other = Run(settings_of(whole, min_count=1), "03_tokenization")
    other.save("tokens.npy", np.ones((6, 5), np.int32))
    with pytest.raises(CourseError, match="tokens.npy was made anew since this notebook read it"):
        run.save("model.keras", FakeModel(b"of the old tokens"))
    run.load("tokens.npy")
    run.save("model.keras", FakeModel(b"of the new tokens"))


def test_another_split_of_the_same_captions_makes_the_model_stale(whole):
    run = Run(settings_of(whole), "01_data_cleaning")
    captions = run.load("captions.csv").assign(split=["dev", *["train"] * 4, "test"])
    raw = SimpleNamespace(sources=(whole / "captions.txt",), image_folder=whole / "Images")
    run.save_clean(raw, captions, run.load("pictures.csv"))
    extract(whole), tokenize(whole, min_count=1)
    refused(whole, "model.keras", "model.keras was made from another captions.csv: rerun 05")


# Which run lies where ---------------------------------------------------------------------------


def test_a_folder_name_says_what_is_in_it(data, monkeypatch):
    assert run_folder(load_settings()).name == "scenes-vgg16"
    assert run_folder(load_settings(profile="fast")).name == "scenes-120-vgg16-fast"
    assert run_folder(load_settings(picture_count=200)).name == "scenes-200-vgg16"
    assert run_folder(load_settings(run="wide")).name == "scenes-vgg16.wide"
    assert run_folder(load_settings(dataset="flickr8k")).name == "flickr8k-vgg16"
    assert run_folder(load_settings()).parent == runs_root()


def test_different_data_never_share_a_run(data, tmp_path):
    folders = [data]
    for name in ("other/holiday", "scenes", "flickr8k", "x/scenes", "my holiday", "my_holiday"):
        (tmp_path / name).mkdir(parents=True)
        folders.append(tmp_path / name)
    for dataset in (".", "/", ".."):
        folders.append(dataset)
    names = [run_folder(load_settings(dataset=str(folder))).name for folder in folders]
    names += [run_folder(load_settings(dataset=name)).name for name in ("scenes", "flickr8k")]
    names.append(run_folder(load_settings(profile="fast")).name)
    names.append(run_folder(load_settings(dataset=str(data), profile="fast")).name)
    assert len(set(names)) == len(names)
    assert not [name for name in names if name.startswith(("-", "."))]


def test_one_folder_by_several_names_is_one_run(data):
    names = {
        run_folder(load_settings(dataset=f"{data}{end}")).name
        for end in ("", "/", "/.", "/Images/..")
    }
    assert len(names) == 1


def test_a_run_knows_its_data_folder(whole, tmp_path):
    folder = run_folder(settings_of(whole))
    other = tmp_path / "elsewhere"
    other.mkdir()
    mine = load_settings(dataset=str(other), encoder="efficientnet_lite2")
    folder.rename(run_folder(mine))
    with pytest.raises(CourseError, match="belongs to the data folder"):
        Run(mine)


@pytest.mark.parametrize("content", ["", "{", "null", "[]", '{"sha256": "1"}', "\x00\x00"])
@pytest.mark.parametrize("name", ["features.npy", "captions.csv", "model.keras"])
def test_a_manifest_that_is_empty_or_half_written_is_named(whole, name, content):
    run = Run(settings_of(whole))
    manifest_path(run.path(name)).write_text(content)
    with pytest.raises(CourseError, match=f"is damaged .*: run {FILES[name].notebook}"):
        Run(settings_of(whole)).check("metrics.json")


@pytest.mark.parametrize("content", ["", '{"dataset": "scenes"', "null", "[]", "{}"])
def test_a_damaged_identity_is_named_and_written_anew(whole, content):
    path = run_folder(settings_of(whole)) / "run.json"
    before = path.read_text()
    path.write_text(content)
    with pytest.raises(CourseError, match="run.json is damaged: run 01"):
        open_run(path.parent)
    clean(whole)
    assert path.read_text() == before


def test_opening_a_run_removes_what_killed_processes_left(whole):
    folder = run_folder(settings_of(whole))
    for name in (".features.99999999.tmp.npy", "figures/.01_words.99999999.tmp.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"half")
    Run(settings_of(whole))
    assert not list(folder.rglob(".*.tmp.*"))


SECOND = """
import sys
import numpy as np
from utils.run import Run
from utils.settings import load_settings
settings = load_settings(dataset=sys.argv[1], encoder="efficientnet_lite2")
for number in range(40):
    run = Run(settings, "02_feature_extraction")
    run.save("features.npy", np.full((6, 1, 5), number % 3, np.float32), seconds=1.5)
"""


def test_two_processes_that_write_one_file_never_show_half_of_it(whole):
    command = [sys.executable, "-c", SECOND, str(whole)]
    with subprocess.Popen(command) as other:
        seen = 0
        while other.poll() is None:
            features = Run(settings_of(whole)).load("features.npy")
            assert features.shape == (6, 1, 5)
            seen += 1
    assert other.returncode == 0 and seen > 5


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(CourseError, match="holds no run"):
        open_run(tmp_path)


# Named runs -------------------------------------------------------------------------------------


def test_a_named_run_keeps_its_own_model(whole):
    before = Run(settings_of(whole)).path("model.keras").read_bytes()
    learn(whole, run="wide", units=512)
    evaluate(whole, run="wide")
    wide, plain = Run(settings_of(whole, run="wide")), Run(settings_of(whole))
    assert (wide.settings.units, plain.settings.units) == (512, 64)
    assert wide.holds("metrics.json") and plain.holds("metrics.json")
    assert plain.path("model.keras").read_bytes() == before
    assert wide.path("tokens.npy") == plain.path("tokens.npy")
    assert open_run(wide.folder).settings.units == 512
    assert open_run(plain.folder).settings.run == ""


def test_a_named_run_notices_what_changes_beneath_it(whole):
    learn(whole, run="wide", units=512)
    tokenize(whole, min_count=2)
    refused(whole, "model.keras", "made from another vocabulary.json: rerun 05", run="wide")


# Features of large sets, and of earlier versions -----------------------------------------------


def test_a_file_that_is_written_already_is_moved(data):
    clean(data)
    run = Run(settings_of(data), "02_feature_extraction")
    part = run.folder / "features.part"
    with open(part, "wb") as file:
        np.save(file, np.ones((6, 1, 5), np.float16))
    run.save("features.npy", part, seconds=1.5)
    assert not part.exists()
    later = Run(settings_of(data), "05_training")
    assert later.load("features.npy").dtype == np.float16
    assert later.features().shape == (6, 5) and later.features().dtype == np.float16


@pytest.mark.parametrize("mirrored", [False, True])
def test_features_in_float32_of_an_earlier_version_are_used_as_they_are(data, mirrored):
    clean(data)
    extract(data, mirrored=mirrored)
    run = Run(settings_of(data, mirrored=mirrored), "05_training")
    views = run.load("features.npy")
    assert views.dtype == np.float32 and run.features().dtype == np.float32
    np.testing.assert_allclose(run.features(), views.mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(run.features(np.array([4, 1])), run.features()[[4, 1]])


# Costs ------------------------------------------------------------------------------------------


def test_a_run_opens_without_keras_or_opencv(whole):
    folder = run_folder(settings_of(whole))
    code = (
        "import sys; from utils.run import open_run; "
        f"assert open_run({str(folder)!r}).holds('metrics.json'); "
        "print({'tensorflow', 'keras', 'cv2'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_checking_a_large_run_takes_well_under_a_second(data):
    images = [f"{number:05}.jpg" for number in range(8000)]
    for image in images:
        (data / "Images" / image).write_bytes(image.encode())
    run = clean(data)
    captions = pd.DataFrame({"image": images, "split": "train", "caption": "a dog"})
    prints = [fingerprint(data / "Images" / image) for image in images]
    raw = SimpleNamespace(sources=(data / "captions.txt",), image_folder=data / "Images")
    run.save_clean(raw, captions, pd.DataFrame({"image": images, "sha256": prints}))
    run = Run(settings_of(data), "02_feature_extraction")
    run.save("features.npy", np.zeros((8000, 1, 1280), np.float32))
    Run(settings_of(data)).check("features.npy")
    started = time.process_time()  # other programs may be busy
    Run(settings_of(data)).check("features.npy")
    assert time.process_time() - started < 0.7


def test_the_identity_of_a_run_is_plain_json(whole):
    content = json.loads((run_folder(settings_of(whole)) / "run.json").read_text())
    assert content["encoder"] == "efficientnet_lite2"
    assert os.path.basename(content["data_folder"]) == "holiday"


def test_replacing_settings_keeps_what_was_named(data):
    settings = settings_of(data, units=32)
    assert replace(settings, seed=8).named == {"units"}
