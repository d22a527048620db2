"""What a run consists of: the table of its files, and where runs lie."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.artifacts import manifest_path
from utils.defaults import DATASET_DEFAULTS
from utils.errors import CourseError
from utils.settings import (
    MODEL_SETTINGS,
    REWARD_SETTINGS,
    ROOT,
    SEARCH_SETTINGS,
    Settings,
    data_root,
    folder_from_environment,
)


@dataclass(frozen=True)
class Made:
    """How a file of a run is made: by which notebook, from which files, by which settings."""

    notebook: str
    made_from: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


FILES = {
    "defects.csv": Made("01_data_cleaning"),
    "captions.csv": Made("01_data_cleaning"),
    "pictures.csv": Made("01_data_cleaning"),
    "features.npy": Made("02_feature_extraction", ("pictures.csv",), ("encoder", "mirrored")),
    "vocabulary.json": Made("03_tokenization", ("captions.csv",), ("min_count", "start")),
    "tokens.npy": Made("03_tokenization", ("captions.csv", "vocabulary.json")),
    # Another split or vocabulary may leave the very same tokens: everything is named.
    "model.keras": Made(
        "05_training",
        ("captions.csv", "pictures.csv", "features.npy", "vocabulary.json", "tokens.npy"),
        MODEL_SETTINGS,
    ),
    "history.csv": Made("05_training", ("model.keras",)),
    "predictions.csv": Made("06_evaluation", ("model.keras",), SEARCH_SETTINGS),
    "metrics.json": Made("06_evaluation", ("predictions.csv", "history.csv")),
    "model_self_critical.keras": Made(
        "07_self_critical_training", ("model.keras",), REWARD_SETTINGS
    ),
    "history_self_critical.csv": Made("07_self_critical_training", ("model_self_critical.keras",)),
    "predictions_self_critical.csv": Made(
        "07_self_critical_training", ("model_self_critical.keras",), SEARCH_SETTINGS
    ),
    "metrics_self_critical.json": Made(
        "07_self_critical_training", ("predictions_self_critical.csv", "history_self_critical.csv")
    ),
}
SHARED = "03_tokenization"  # a named run has its own files from the notebooks after this one


def runs_root() -> Path:
    """Folder of all runs: `data/runs`, or `CAPTION_RUNS`."""
    return folder_from_environment("runs") or data_root() / "runs"


def run_folder(settings: Settings) -> Path:
    """Return the folder of a run, whose name says what is in it.

    `scenes-vgg16`, `scenes-120-vgg16-fast`; of a folder of one's own the name and six digits of
    the hash of its path, `holiday-3f9a1c-vgg16`; a named run is `scenes-vgg16.wide`.
    """
    name = settings.data_folder.name
    if settings.dataset not in DATASET_DEFAULTS:
        mark = hashlib.sha256(data_name(settings).encode()).hexdigest()[:6]
        name = f"{re.sub(r'[^A-Za-z0-9_-]+', '_', name) or 'folder'}-{mark}"
    name += f"-{settings.encoder}"
    name += "" if settings.profile == "full" else f"-{settings.profile}"
    name += f".{settings.run}" if settings.run else ""
    return runs_root() / name


def data_name(settings: Settings) -> str:
    """Return the data folder as a text that stays true if the project or all data are moved."""
    for root in (data_root(), ROOT):
        if settings.data_folder.is_relative_to(root):
            return str(settings.data_folder.relative_to(root))
    return str(settings.data_folder)


def identity(settings: Settings, own: bool) -> dict[str, Any]:
    """Return what run.json says: enough to open a run by its folder.

    Args:
        settings: Those of the run.
        own: False for the unnamed run whose captions and features a named run shares.
    """
    names = ("dataset", "encoder", "profile", "picture_count")
    chosen = {name: getattr(settings, name) for name in names}
    return {**chosen, "run": settings.run if own else "", "data_folder": data_name(settings)}


def read_identity(folder: Path) -> dict[str, Any]:
    """Read what run.json says, as `identity` returned it.

    Raises:
        CourseError: It is not there, or it is damaged; the next file that is saved mends it.
    """
    path = folder / "run.json"
    if not path.exists():
        raise CourseError(f"{folder} holds no run: its run.json is missing.")
    try:
        content = json.loads(path.read_text("utf-8"))
        names = ("dataset", "encoder", "profile", "picture_count", "run", "data_folder")
        return {name: content[name] for name in names}
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{path} is damaged: run 01_data_cleaning.ipynb (or `make run`), which writes it anew."
        ) from error


def read_manifest(name: str, path: Path) -> dict[str, Any]:
    """Read what is written down about a file of a run.

    Args:
        name: A key of `FILES`.
        path: Where the file lies.

    Raises:
        CourseError: The file or its manifest is missing or damaged; the sentence names the
            notebook to run.
    """
    made, manifest = FILES[name], manifest_path(path)
    if not path.exists() or not manifest.exists():
        raise CourseError(f"{name} is missing in {path.parent.name}: run {made.notebook}.ipynb.")
    try:
        content = json.loads(manifest.read_text("utf-8"))
        sha256, inputs, settings = (content[key] for key in ("sha256", "inputs", "settings"))
        inputs = {key: inputs[key] for key in made.made_from}
        # A setting that did not exist yet had no effect, as its default has none.
        settings = {key: settings.get(key, getattr(Settings, key)) for key in made.settings}
        return content | {"sha256": sha256, "inputs": inputs, "settings": settings}
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{manifest.name} in {path.parent.name} is damaged or of an earlier version of "
            f"the course: run {made.notebook}.ipynb."
        ) from error
