"""Captioners of every origin, with a tiny model in them."""

import io
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from scenes import make_scene
from utils import captioner, captioner_folder, load_captioner
from utils.captioner import Captioner, captioner_of_run
from utils.confidence import WEIGHTS, Calibration
from utils.consensus import CANDIDATES
from utils.errors import CourseError
from utils.model import build_model
from utils.run import Run
from utils.settings import load_settings
from utils.vocabulary import END, Vocabulary

WORDS = ("<padding>", "<start>", "<end>", "<unknown>", "a", "dog", "runs", *"bcdefghijklmnop")
SMALL = {"encoder": "efficientnet_lite0", "units": 24, "embedding_size": 16}


class QuickCNN:
    """In place of EfficientNet-Lite0: how bright a grid of 20 x 20 cells is, in a vector."""

    name = "efficientnet_lite0"

    def predict_on_batch(self, pictures):
        grid = pictures[:, :220, :220].reshape(-1, 20, 11, 20, 11, 3).mean((2, 4, 5))
        return np.pad(grid.reshape(-1, 400) - 128, ((0, 0), (0, 880)))


@pytest.fixture
def quick(monkeypatch):
    """Encoders that cost nothing."""
    monkeypatch.setattr(captioner, "build_encoder", lambda name: QuickCNN())
    monkeypatch.setattr(captioner, "build_classifier", lambda name: None)


def talkative(settings):
    """A model with random weights large enough to say different things of different pictures."""
    model = build_model(1280, len(WORDS), settings)
    rng = np.random.default_rng(settings.seed)
    for name in ("picture", "embedding", "lstm", "logits"):
        layer = model.get_layer(name)
        kernel, *others = layer.get_weights()
        scale = 1280**-0.5 if name == "picture" else 1.0
        layer.set_weights([rng.normal(0, scale, kernel.shape), *others])
    kernel, bias = layer.get_weights()
    kernel[:, END], bias[END] = 0, 2  # captions end, but are not empty
    layer.set_weights([kernel, bias])
    return model


@pytest.fixture
def trained(settings):
    """A captioner of two models, whose settings differ from the defaults."""
    search = {"beam_size": 2, "alpha": 0.7, "max_length": 6}
    settings = replace(settings, encoder="efficientnet_lite0", mirrored=True, **search)
    models = [talkative(replace(settings, seed=seed)) for seed in (1, 2)]
    return Captioner(models, Vocabulary(WORDS), settings)


@pytest.fixture
def shipped(trained, tmp_path, monkeypatch):
    """A folder like data/pretrained."""
    trained.save(tmp_path / "pretrained", scores={"bleu_4": 1.0})
    monkeypatch.setattr(captioner, "PRETRAINED", tmp_path / "pretrained")
    return tmp_path / "pretrained"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder of runs of its own, where nothing is yet; the settings name its default run."""
    monkeypatch.setenv("CAPTION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CAPTION_RUNS", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("CAPTION_DATASET", "scenes")
    monkeypatch.setenv("CAPTION_ENCODER", SMALL["encoder"])
    return tmp_path / "elsewhere"


@pytest.fixture
def run(runs):
    """A run with the models of notebooks 05 and 07 in it; notebook 06 chose how to search."""
    settings = load_settings(alpha=0.2, beam_size=2, max_length=5, **SMALL)
    run, images = Run(settings), ["a.jpg", "b.jpg"]
    captions = {"image": images, "split": ["train", "dev"], "caption": ["a dog runs", "a dog"]}
    run.save("captions.csv", pd.DataFrame(captions))
    pictures = pd.DataFrame({"image": images, "sha256": ["1", "2"]})
    run.save("pictures.csv", pictures, image_folder="Images")
    run.save("features.npy", np.ones((2, 1, 1280), np.float32))
    run.save("vocabulary.json", {"words": list(WORDS)})
    run.save("tokens.npy", Vocabulary(WORDS).encode(captions["caption"]))
    run.save("model.keras", talkative(settings))
    run.save("predictions.csv", pd.DataFrame({"image": []}))
    run.save("model_self_critical.keras", talkative(replace(settings, seed=99)))
    return run


@pytest.fixture
def photos(tmp_path):
    """Pictures of many kinds: small, large, gray, transparent, WebP."""
    rng = np.random.default_rng(0)
    pictures = {
        "large.jpg": rng.integers(0, 255, (700, 900, 3)),
        "tiny.png": rng.integers(0, 255, (9, 5, 3)),
        "gray.png": rng.integers(0, 255, (50, 60)),
        "transparent.png": rng.integers(0, 255, (50, 60, 4)),
        "web.webp": rng.integers(0, 255, (50, 60, 3)),
    }
    for name, array in pictures.items():
        assert cv2.imwrite(str(tmp_path / name), array.astype(np.uint8))
    return [tmp_path / name for name in pictures]


def scenes(count):
    return [make_scene(1, index)[0] for index in range(count)]


# --- pictures in, captions out ---


def test_the_shipped_captioner_writes_a_sentence_for_each_picture():
    captions = load_captioner("pretrained").caption(scenes(6))
    assert all(4 <= len(caption.split()) <= 25 for caption in captions)
    assert len(set(captions)) > 3
    size = sum(path.stat().st_size for path in captioner.PRETRAINED.iterdir())
    assert size < 12e6


def test_one_picture_gives_one_caption_whatever_it_comes_in(trained, quick, tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), scenes(1)[0][:, :, ::-1])
    content = path.read_bytes()
    (expected,) = trained.caption([path])
    assert isinstance(expected, str) and expected
    with open(path, "rb") as file:
        for picture in (str(path), path, content, io.BytesIO(content), file, Image.open(path)):
            assert trained.caption(picture) == expected
    assert trained.caption(scenes(1)[0]) == expected
    gray = scenes(1)[0][:, :, 0]
    assert [trained.caption(gray)] == trained.caption([gray])


def test_several_pictures_give_a_list(trained, quick, photos):
    pictures = [*photos, np.full((30, 40, 3), 200, np.uint8), photos[0].read_bytes()]
    captions = trained.caption(pictures)
    assert captions == [trained.caption(picture) for picture in pictures]
    assert captions == trained.caption(tuple(pictures)) == trained.caption(p for p in pictures)
    assert len(set(captions)) > 2
    assert trained.caption([photos[0]]) == captions[:1]
    assert trained.caption(np.stack(scenes(3))) == trained.caption(scenes(3))
    assert trained.caption([]) == []


@pytest.mark.parametrize("nothing", [None, 3, [None], ["a.jpg", None], {"a": 1}.values()])
def test_what_is_no_picture_is_refused_in_one_sentence(trained, quick, tmp_path, nothing):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(CourseError, match="A picture must be|a.jpg cannot be read"):
        trained.caption(nothing)


def test_a_name_is_not_taken_for_a_list_of_letters(trained, quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("a.png", np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "a.png").rename("a")  # the file that the first letter of "a.jpg" names
    with pytest.raises(CourseError, match=r"a\.jpg cannot be read"):
        trained.caption("a.jpg")


def test_a_mirrored_captioner_says_the_same_of_the_mirror_image(trained, quick):
    assert trained.settings.mirrored
    mirror_images = [picture[:, ::-1] for picture in scenes(6)]
    assert trained.caption(scenes(6)) == trained.caption(mirror_images)


def test_it_searches_as_its_settings_say(trained, quick):
    pictures = scenes(8)

    def captions(beam_size, **changes):
        settings = replace(trained.settings, beam_size=beam_size, **changes)
        return replace(trained, settings=settings).caption(pictures)

    assert trained.caption(pictures) == captions(2)
    assert captions(1) != captions(5) == trained.caption(pictures, 5)
    assert max(len(caption.split()) for caption in captions(2, max_length=2)) <= 2
    with pytest.raises(CourseError, match="beam_size"):
        trained.caption(pictures, beam_size=0)
    assert max(len(text.split()) for text in trained.caption(pictures, max_length=2)) <= 2


def test_several_captions_and_the_probability_of_every_word(trained, quick):
    pictures = scenes(4)
    trained = replace(trained, settings=replace(trained.settings, max_length=20))
    found = trained.caption(pictures, several=3, details=True)
    assert found[2] == trained.caption(pictures[2], several=3, details=True)
    assert [best.caption for best, *_ in found] == trained.caption(pictures, beam_size=3)
    for best, *others in found:
        lengths = [len(one.words) for one in (best, *others)]
        values = [one.log_probability for one in (best, *others)]
        normalized = np.array(values) / np.array(lengths) ** 0.7
        assert (np.diff(normalized) <= 0).all()
        for one in (best, *others):
            words, probabilities = zip(*one.words, strict=True)
            assert list(words) == [*one.caption.split(), "<end>"]
            assert np.prod(probabilities) == pytest.approx(np.exp(one.log_probability), rel=1e-3)


def test_one_candidate_for_a_picture(trained, quick):
    picture = scenes(1)[0]
    one = trained.caption(picture, details=True)
    assert one.caption == trained.caption(picture) and one.words[-1][0] == "<end>"
    assert trained.caption([picture], details=True) == [one]
    (plain,) = trained.caption(picture, beam_size=1, several=1)
    assert plain.caption == trained.caption(picture, beam_size=1) and plain.words == ()
    assert trained.caption([], several=2) == trained.caption([], details=True) == []
    for name, value in (("several", 0), ("max_length", 0), ("max_length", -1)):
        for consensus in (False, True):
            with pytest.raises(CourseError, match=f"{name} is {value}: choose 1 or more"):
                trained.caption(picture, consensus=consensus, **{name: value})


# --- a folder of its own ---


def test_a_saved_captioner_says_what_it_said(trained, quick, tmp_path):
    trained.save(tmp_path / "deep" / "mine", made_by="hand")
    loaded = load_captioner(tmp_path / "deep" / "mine")
    assert loaded.vocabulary == trained.vocabulary
    assert loaded.caption(scenes(8)) == trained.caption(scenes(8))
    manifest = json.loads((tmp_path / "deep" / "mine" / "manifest.json").read_text("utf-8"))
    assert manifest["format"] == 1 and manifest["models"] == 2 and manifest["made_by"] == "hand"
    assert manifest["settings"] == {
        "encoder": "efficientnet_lite0",
        "mirrored": True,
        "units": 24,
        "embedding_size": 16,
        "beam_size": 2,
        "alpha": 0.7,
        "max_length": 6,
    }
    arrays = np.load(tmp_path / "deep" / "mine" / "weights.npz")
    assert arrays["0/00"].dtype == np.float16
    assert [name[:2] for name in arrays.files].count("1/") == len(trained.models[1].get_weights())


def test_a_model_with_dropout_of_the_features_is_saved_as_any_other(trained, tmp_path):
    settings = replace(trained.settings, feature_dropout=0.3)
    dropped = replace(trained, models=[talkative(settings)], settings=settings)
    dropped.save(tmp_path / "mine")
    (known,), (found,) = dropped.models, load_captioner(tmp_path / "mine").models
    for layer in found.layers:
        arrays = known.get_layer(layer.name).get_weights()
        for one, other in zip(layer.get_weights(), arrays, strict=True):
            np.testing.assert_array_equal(one, other.astype(np.float16))


def test_the_environment_does_not_reach_a_saved_captioner(trained, tmp_path, monkeypatch):
    trained.save(tmp_path / "mine")
    monkeypatch.setenv("CAPTION_PROFILE", "fast")
    monkeypatch.setenv("CAPTION_DATASET", "no such data set")
    assert load_captioner(tmp_path / "mine").settings.units == 24


def change_manifest(folder, **changes):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["settings"] |= changes.pop("settings", {})
    for name, value in changes.items():
        if value is None:
            del manifest[name]
        else:
            manifest[name] = value
    path.write_text(json.dumps(manifest), "utf-8")


def test_the_first_captioners_can_still_be_loaded(trained, tmp_path):
    trained.save(tmp_path / "old")
    manifest = json.loads((tmp_path / "old" / "manifest.json").read_text("utf-8"))
    del manifest["format"], manifest["settings"]["beam_size"], manifest["settings"]["max_length"]
    (tmp_path / "old" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    settings = load_captioner(tmp_path / "old").settings
    assert (settings.beam_size, settings.max_length, settings.alpha) == (3, 30, 0.7)


def test_a_calibration_is_saved_and_loaded_with_its_captioner(trained, quick, tmp_path):
    trained.save(tmp_path / "mine")
    assert load_captioner(tmp_path / "mine").calibration is None
    known = Calibration(dict.fromkeys(WEIGHTS, 0.25), 0.6)
    replace(trained, calibration=known).save(tmp_path / "mine")
    loaded = load_captioner(tmp_path / "mine")
    assert loaded.calibration == known
    assert loaded.caption(scenes(2), details=True)[1].confidence is not None
    change_manifest(tmp_path / "mine", confidence={"weights": {}})
    with pytest.raises(CourseError, match="do not belong together"):
        load_captioner(tmp_path / "mine")


def test_the_shipped_captioner_is_calibrated():
    """If not: python -m benchmarks.confidence."""
    assert 0 < load_captioner("pretrained").calibration.unsure_below < 1


@pytest.mark.parametrize("number", [2, 0, "1", "newest"])
def test_an_unknown_format_is_one_sentence(trained, tmp_path, number):
    trained.save(tmp_path / "mine")
    change_manifest(tmp_path / "mine", format=number)
    with pytest.raises(CourseError, match=f"mine is a captioner of format {number!r}.*update"):
        load_captioner(tmp_path / "mine")


def test_a_captioner_is_replaced_whole(trained, quick, tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    trained.save(folder)
    (folder / "notes.txt").write_text("keep me", "utf-8")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*arguments):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        for broken in ("write_json", "fingerprint"):
            patch.setattr(captioner_folder, broken, fail)
            with pytest.raises(CourseError, match=r"mine was not written \(the disk is full\)"):
                replace(trained, models=trained.models[:1]).save(folder)
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    replace(trained, models=trained.models[:1]).save(folder)
    assert len(load_captioner(folder).models) == 1
    assert (folder / "notes.txt").read_text("utf-8") == "keep me"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("renamed", [False, True])
def test_a_replacement_that_was_killed_is_finished_by_the_next(trained, tmp_path, renamed):
    folder = tmp_path / "mine"
    trained.save(folder)
    (folder / "notes.txt").write_text("keep me", "utf-8")
    folder.rename(tmp_path / ".mine.old")
    if renamed:
        trained.save(tmp_path / "other")
        (tmp_path / "other").rename(folder)
    trained.save(folder)
    assert (folder / "notes.txt").read_text("utf-8") == "keep me"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_captioner_is_not_written_over_anything_else(trained, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a photograph")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "manifest.json").write_text("{}", "utf-8")
    (tmp_path / "file").write_text("a file", "utf-8")
    for name in ("photos", "site", "file"):
        with pytest.raises(CourseError, match=f"{name} is no captioner.*name another folder"):
            trained.save(tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        *("a.jpg", "file", "manifest.json", "photos", "site")
    ]
    (tmp_path / "empty").mkdir()
    trained.save(tmp_path / "empty")
    assert load_captioner(tmp_path / "empty").settings.units == 24


@pytest.mark.parametrize("name", ["manifest.json", "vocabulary.json", "weights.npz"])
def test_what_is_missing_from_the_shipped_one_is_named(shipped, name):
    (shipped / name).unlink()
    with pytest.raises(CourseError, match=f"{name} is missing: bring it back"):
        load_captioner("pretrained")


@pytest.mark.parametrize("name", ["manifest.json", "vocabulary.json", "weights.npz"])
def test_damage_is_named(trained, shipped, name):
    (shipped / name).write_bytes((shipped / name).read_bytes()[:-20])
    with pytest.raises(CourseError, match=f"{name} is damaged: bring it back"):
        load_captioner("pretrained")
    with pytest.raises(CourseError, match=f"{name} is damaged: save the captioner again"):
        load_captioner(shipped)


@pytest.mark.parametrize(
    "changes",
    [{"models": None}, {"models": 3}, {"settings": {"units": 25}}, {"settings": {"x": 1}}],
)
def test_files_that_do_not_belong_together(shipped, changes):
    change_manifest(shipped, **changes)
    with pytest.raises(CourseError, match="do not belong together: bring it back"):
        load_captioner("pretrained")


def test_a_vocabulary_of_another_length_is_refused(shipped):
    (shipped / "vocabulary.json").write_text(json.dumps({"words": WORDS[:-1]}), "utf-8")
    with pytest.raises(CourseError, match="do not belong together"):
        load_captioner("pretrained")


# --- runs ---


def test_a_run_by_every_name_that_it_has(run, quick):
    captions = captioner_of_run(run).caption(scenes(6))
    for name in ("scenes-efficientnet_lite0", run.folder, str(run.folder), None):
        loaded = load_captioner(name)
        assert loaded.caption(scenes(6)) == captions
        search = loaded.settings.alpha, loaded.settings.beam_size, loaded.settings.max_length
        assert search == (0.2, 2, 5)


def test_a_run_becomes_a_folder_that_needs_no_run(run, runs, quick, tmp_path):
    pictures = scenes(8)
    captioner_of_run(run).save(run.folder / "captioner")
    rewarded = captioner_of_run(run, "model_self_critical.keras")
    rewarded.save(run.folder / "captioner_self_critical")
    expected = rewarded.caption(pictures)
    assert captioner_of_run(run).caption(pictures) != expected
    name = f"{run.folder.name}/captioner_self_critical"
    assert load_captioner(name).caption(pictures) == expected
    moved = tmp_path / "another machine"
    shutil.move(run.folder / "captioner_self_critical", moved)
    shutil.rmtree(runs)
    assert load_captioner(moved).caption(pictures) == expected


def test_consensus_chooses_among_what_the_search_finds(run, quick, monkeypatch):
    """Here it is a consensus that takes the last; that of the train captions has its own tests."""

    def make(features, references):
        assert features.shape == (1, 1280) and references == [["a dog runs"]]
        return lambda features, texts: [each[-1] for each in texts]

    monkeypatch.setattr(captioner, "make_consensus", make)
    own, pictures = captioner_of_run(run), scenes(6)
    texts = [[one.caption for one in each] for each in own.caption(pictures, several=CANDIDATES)]
    assert own.caption(pictures, consensus=True) == [each[-1] for each in texts]
    three = own.caption(pictures, several=3, consensus=True)
    for each, found in zip(three, texts, strict=True):
        assert [one.caption for one in each] == [found[-1], *found[:-1]][:3]


def test_without_a_run_there_is_no_consensus(trained, monkeypatch):
    monkeypatch.setattr(captioner, "build_encoder", lambda name: pytest.fail("needless"))
    with pytest.raises(CourseError, match="captions of similar train pictures.*comes without"):
        trained.caption(scenes(1), consensus=True)


def test_a_saved_captioner_needs_no_encoder_to_be_saved(run, monkeypatch):
    monkeypatch.setattr(captioner, "build_encoder", lambda name: pytest.fail("needless"))
    captioner_of_run(run).save(run.folder / "captioner")


@pytest.mark.parametrize("name", ["holiday", "", "scenes-vgg16", "a\0b", 3])
def test_an_unknown_captioner_lists_those_that_are_there(run, runs, name):
    captioner_of_run(run).save(run.folder / "captioner")
    captioner_of_run(run).save(runs / "best")
    there = "pretrained, best, scenes-efficientnet_lite0, scenes-efficientnet_lite0/captioner"
    with pytest.raises(CourseError, match=f"no captioner '.*': choose one of {there}\\.$"):
        load_captioner(name)


def test_without_any_run_there_is_the_shipped_one(runs):
    with pytest.raises(CourseError, match=r"no captioner 'mine': choose one of pretrained\.$"):
        load_captioner("mine")
    with pytest.raises(CourseError, match=r"missing in scenes-efficientnet_lite0: run 0\d_"):
        load_captioner()
