"""Everything loaded once, then captions for any pictures."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils.artifacts import atomic_path, fingerprint, manifest_path, require, write_json
from utils.decoding import make_decoder
from utils.encoders import build_encoder, extract_features, feature_size, joined_encoders
from utils.errors import CourseError
from utils.model import build_model
from utils.tensorflow_setup import keras
from utils.settings import ROOT, data_root, load_settings
from utils.vocabulary import Vocabulary, load_vocabulary

PRETRAINED = ROOT / "data" / "pretrained"


@dataclass(frozen=True)
class Captioner:
    """Encoders and a trained merge model, ready to caption pictures."""

    encoders: list
    mirrored: bool
    decode: callable
    alpha: float

    def caption(self, pictures, beam_size=3):
        """Caption pictures.

        Args:
            pictures: Paths of picture files, or uint8 arrays [H, W, 3] (RGB), [H, W] or
                [H, W, 4], of any size; also mixed.
            beam_size: 1 is greedy search.

        Returns:
            One caption per picture, a list of strings.

        Raises:
            CourseError: A file is missing or holds no picture.
        """
        features = extract_features(pictures, self.encoders, self.mirrored, progress=False)
        return self.decode(features, beam_size, self.alpha)[0]


def load_captioner(run=None):
    """Load a trained captioner.

    Args:
        run: "pretrained" for the captioner that comes with the course, trained on Flickr8k; a run
            folder, or its name below `data/runs`; by default the run that `CAPTION_DATASET` and
            `CAPTION_ENCODER` name.

    Returns:
        A `Captioner`.

    Raises:
        CourseError: There is no trained model; the sentence names the notebook to run.
    """
    if run == "pretrained":
        return _load_pretrained()
    folder = load_settings().run_folder if run is None else Path(run)
    if not folder.is_dir():
        folder = data_root() / "runs" / folder
    path = require(folder / "model.keras")
    manifest = json.loads(manifest_path(path).read_text("utf-8"))
    model = keras.models.load_model(path, compile=False)
    return _captioner(manifest, model, load_vocabulary(folder))


def _captioner(made_with, models, vocabulary):
    encoders = [build_encoder(info.name) for info in joined_encoders(made_with["encoder"])]
    decode = make_decoder(models, vocabulary)
    return Captioner(encoders, made_with["mirrored"], decode, made_with["alpha"])


# The captioner that comes with the course ------------------------------------------------------


def save_pretrained(models, vocabulary, settings, folder=PRETRAINED, **details):
    """Write a captioner small enough to be shipped: float16 weights, vocabulary, manifest.

    Args:
        models: Trained merge models of one shape: an ensemble, or a list of one.
        vocabulary: The `utils.vocabulary.Vocabulary` they were trained with.
        settings: Theirs: encoder, mirrored, units, embedding_size and alpha are kept.
        folder: Where to write.
        **details: What else the manifest shall say (scores, how it was made).
    """
    weights = {
        f"{number}/{index:02}": array.astype(np.float16)
        for number, model in enumerate(models)
        for index, array in enumerate(model.get_weights())
    }
    with atomic_path(folder / "weights.npz") as temporary:
        np.savez_compressed(temporary, **weights)
    write_json(folder / "vocabulary.json", {"words": vocabulary.words})
    names = ("encoder", "mirrored", "units", "embedding_size", "alpha")
    manifest = {
        "sha256": fingerprint(folder / "weights.npz"),
        "models": len(models),
        "settings": {name: getattr(settings, name) for name in names},
    }
    write_json(folder / "manifest.json", {**manifest, **details})


def _load_pretrained():
    for name in ("manifest.json", "vocabulary.json", "weights.npz"):
        if not (PRETRAINED / name).exists():
            raise CourseError(
                f"{PRETRAINED.name}/{name} is missing: bring it back with git checkout."
            )
    manifest = json.loads((PRETRAINED / "manifest.json").read_text("utf-8"))
    if fingerprint(PRETRAINED / "weights.npz") != manifest["sha256"]:
        raise CourseError(
            f"{PRETRAINED.name}/weights.npz is damaged: bring it back with git checkout."
        )
    words = json.loads((PRETRAINED / "vocabulary.json").read_text("utf-8"))["words"]
    settings = load_settings(dataset="flickr8k", **manifest["settings"])
    weights = np.load(PRETRAINED / "weights.npz", allow_pickle=False)
    models = []
    for number in range(manifest["models"]):
        model = build_model(feature_size(settings.encoder), len(words), settings)
        names = [name for name in weights.files if name.startswith(f"{number}/")]
        model.set_weights([weights[name].astype(np.float32) for name in sorted(names)])
        models.append(model)
    return _captioner(manifest["settings"], models, Vocabulary(tuple(words)))
