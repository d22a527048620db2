"""The small folder that a captioner is kept in: float16 weights, vocabulary and manifest."""

import glob
import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils.artifacts import cannot_write, fingerprint, remove_leftovers, write_json
from utils.confidence import Calibration
from utils.encoders import feature_size
from utils.errors import CourseError
from utils.model import build_model
from utils.settings import SEARCH_SETTINGS, Settings
from utils.vocabulary import Vocabulary

FORMAT = 1  # of a captioner's folder; one without a number is of format 1
FILES = ("manifest.json", "vocabulary.json", "weights.npz")
KEPT_SETTINGS = ("encoder", "mirrored", "units", "embedding_size", *SEARCH_SETTINGS)
# What the first captioners searched with; their manifests do not say it.
FIRST_SETTINGS = {"beam_size": 3, "max_length": 30}


class Parts(NamedTuple):
    """What is kept of a captioner."""

    models: list  # trained merge models of one shape
    vocabulary: Vocabulary
    settings: Settings  # only `KEPT_SETTINGS` of them
    calibration: Calibration | None


def write_folder(folder: Path, parts: Parts, details: dict[str, Any]) -> None:
    """Write the folder whole, or leave what is there.

    Args:
        folder: Where to write it. A captioner that lies there is replaced, other files stay.
        parts: What to keep.
        details: What else the manifest shall say, JSON-serializable.

    Raises:
        CourseError: The folder holds something that is no captioner, or cannot be written.
    """
    folder = folder.resolve()
    try:
        _finish_replacing(folder)
        _replace(folder, parts, details)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _replace(folder, parts, details):
    free = not folder.exists() or folder.is_dir() and not any(folder.iterdir())
    if not free and not all((folder / name).exists() for name in FILES):
        raise CourseError(
            f"{folder} is no captioner, so none is written over it: name another folder."
        )
    remove_leftovers(folder.parent, f".{glob.escape(folder.name)}.*.tmp")
    written = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        _write(written, parts, details)
        # Renamed whole, so that nobody ever finds new weights beside an old vocabulary.
        if folder.exists():
            folder.rename(folder.with_name(f".{folder.name}.old"))
        written.rename(folder)
    finally:
        shutil.rmtree(written, ignore_errors=True)
    _finish_replacing(folder)


def _write(folder, parts, details):
    shutil.rmtree(folder, ignore_errors=True)  # left by a program that was killed
    folder.mkdir(parents=True)
    weights = {
        f"{number}/{index:02}": array.astype(np.float16)
        for number, model in enumerate(parts.models)
        for index, array in enumerate(_weights_in_order(model, parts))
    }
    np.savez_compressed(folder / "weights.npz", **weights)
    write_json(folder / "vocabulary.json", {"words": parts.vocabulary.words})
    manifest = {
        "format": FORMAT,
        "sha256": fingerprint(folder / "weights.npz"),
        "models": len(parts.models),
        "settings": {name: getattr(parts.settings, name) for name in KEPT_SETTINGS},
    }
    if parts.calibration:
        manifest["confidence"] = asdict(parts.calibration)
    write_json(folder / "manifest.json", manifest | details)


def _weights_in_order(model, parts):
    """The arrays of a model in the order of one without dropout of the features, as it is read.

    That dropout, which the folder does not keep, changes the order in which Keras lists layers.
    """
    settings = replace(parts.settings, feature_dropout=0.0)
    plain = build_model(model.inputs[0].shape[-1], len(parts.vocabulary), settings)
    return [array for layer in plain.layers for array in model.get_layer(layer.name).get_weights()]


def _finish_replacing(folder):
    """Bring other people's files from the captioner that was replaced, or bring it back itself."""
    before = folder.with_name(f".{folder.name}.old")
    if before.exists():
        if not folder.exists():  # killed between two renamings
            before.rename(folder)
            return
        for path in before.iterdir():
            if path.name not in FILES:
                path.rename(folder / path.name)
        shutil.rmtree(before)


def read_folder(folder: Path, advice: str) -> Parts:
    """Read a folder that `write_folder` wrote.

    Args:
        folder: Where it lies.
        advice: What to do if it is not whole, for the sentence of the error.

    Raises:
        CourseError: Something is missing, damaged, or of another version of the course.
    """
    for name in FILES:
        if not (folder / name).exists():
            raise CourseError(f"{folder.name}/{name} is missing: {advice}.")
    manifest = _read_json(folder / "manifest.json", advice)
    found = manifest.get("format", 1)
    if found != FORMAT:
        raise CourseError(
            f"{folder.name} is a captioner of format {found!r}, and this version of the course "
            f"reads format {FORMAT}: update the course."
        )
    if fingerprint(folder / "weights.npz") != manifest.get("sha256"):
        raise CourseError(f"{folder.name}/weights.npz is damaged: {advice}.")
    try:
        words = tuple(_read_json(folder / "vocabulary.json", advice)["words"])
        settings = Settings(**FIRST_SETTINGS | manifest["settings"])
        models = _read_models(folder / "weights.npz", manifest["models"], len(words), settings)
        calibration = Calibration.read(manifest)
    except (KeyError, TypeError, ValueError) as error:
        raise CourseError(
            f"The files of {folder.name} do not belong together: {advice}."
        ) from error
    return Parts(models, Vocabulary(words), settings, calibration)


def _read_json(path, advice):
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise CourseError(f"{path.parent.name}/{path.name} is damaged: {advice}.") from error


def _read_models(path, count, num_words, settings):
    models = [
        build_model(feature_size(settings.encoder), num_words, settings) for _ in range(count)
    ]
    with np.load(path, allow_pickle=False) as weights:
        for number, model in enumerate(models):
            names = sorted(name for name in weights.files if name.startswith(f"{number}/"))
            model.set_weights([weights[name].astype(np.float32) for name in names])
    return models
