"""The captioner that comes with the course, with a tiny model in its place."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from utils import captioner
from utils.__main__ import main
from utils.errors import CourseError
from utils.model import build_model
from scenes import make_scene
from utils.vocabulary import Vocabulary

WORDS = ("<padding>", "<start>", "<end>", "<unknown>", "a", "dog", "runs")


@pytest.fixture
def shipped(tmp_path, monkeypatch, settings):
    """A folder like data/pretrained with an ensemble of two random models."""
    settings = replace(settings, encoder="efficientnet_lite0", mirrored=True)
    models = [build_model(1280, len(WORDS), replace(settings, seed=seed)) for seed in (1, 2)]
    folder = tmp_path / "pretrained"
    captioner.save_pretrained(models, Vocabulary(WORDS), settings, folder, scores={"bleu_4": 1.0})
    monkeypatch.setattr(captioner, "PRETRAINED", folder)
    return folder


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


def test_the_shipped_captioner_writes_a_sentence_for_each_picture():
    pictures = [make_scene(1, index)[0] for index in range(6)]
    captions = captioner.load_captioner("pretrained").caption(pictures)
    assert all(4 <= len(caption.split()) <= 25 for caption in captions)
    assert len(set(captions)) > 3
    size = sum(path.stat().st_size for path in captioner.PRETRAINED.iterdir())
    assert size < 12e6


def test_it_captions_files_and_arrays_of_any_kind(shipped, photos):
    loaded = captioner.load_captioner("pretrained")
    arrays = [np.full((30, 40, 3), 200, np.uint8), np.zeros((30, 40), np.uint8)]
    captions = loaded.caption([*photos, *arrays], beam_size=2)
    assert len(captions) == 7
    assert all(set(caption.split()) <= {"a", "dog", "runs"} for caption in captions)
    assert loaded.caption([photos[1]], beam_size=2) == captions[1:2]
    assert loaded.caption([]) == []


def test_the_manifest_says_what_it_is(shipped):
    manifest = json.loads((shipped / "manifest.json").read_text())
    assert manifest["models"] == 2 and manifest["scores"] == {"bleu_4": 1.0}
    assert manifest["settings"]["encoder"] == "efficientnet_lite0"
    assert manifest["settings"]["mirrored"] is True


def test_a_mirrored_captioner_says_the_same_of_the_mirror_image(shipped):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (40, 60, 3), np.uint8) for _ in range(6)]
    loaded = captioner.load_captioner("pretrained")
    assert loaded.mirrored
    assert loaded.caption(pictures) == loaded.caption([p[:, ::-1] for p in pictures])


@pytest.mark.parametrize("name", ["manifest.json", "vocabulary.json", "weights.npz"])
def test_what_is_missing_is_named(shipped, name):
    (shipped / name).unlink()
    with pytest.raises(CourseError, match=f"{name} is missing: bring it back"):
        captioner.load_captioner("pretrained")


def test_damaged_weights_are_refused(shipped):
    path = shipped / "weights.npz"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CourseError, match="weights.npz is damaged"):
        captioner.load_captioner("pretrained")


def test_make_caption_names_what_is_no_picture_and_captions_the_rest(
    shipped, photos, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("no picture")
    main(["notes.txt", "gone.jpg", "gray.png", "web.webp"])
    out, err = capsys.readouterr()
    assert "notes.txt" in err and "gone.jpg" in err
    assert "gray.png: " in out and "web.webp: " in out
    assert cv2.imread("captions.png") is not None


@pytest.mark.parametrize(("names", "message"), [([], "Name the pictures"), (["x"], "None of")])
def test_make_caption_without_pictures(names, message):
    with pytest.raises(SystemExit, match=message):
        main(names)
