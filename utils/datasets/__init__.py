"""Raw data sets and their cleaning: scenes, Flickr8k, a folder of one's own (notebook 01)."""

import json
from pathlib import Path

from scenes import generate_scenes
from utils.artifacts import cannot_write
from utils.datasets.cleaning import (
    clean_dataset,
    find_defects,
    inspect_pictures,
    load_planted_defects,
)
from utils.datasets.flickr8k import (
    fetch_flickr8k,
    load_agreement,
    read_judgements,
)
from utils.datasets.folder import read_folder
from utils.datasets.raw import NOVEL, SPLITS, RawDataset
from utils.errors import CourseError
from utils.locks import locked
from utils.settings import Settings

__all__ = [
    "NOVEL",
    "SPLITS",
    "RawDataset",
    "clean_dataset",
    "find_defects",
    "inspect_pictures",
    "load_agreement",
    "load_planted_defects",
    "load_raw_dataset",
    "read_judgements",
]

DRAWN = ("captions.txt", "facts.json", "defects.json", "splits.csv")  # beside the pictures


def load_raw_dataset(settings: Settings) -> RawDataset:
    """Fetch the data set of `settings` where it is not there yet, read it, say what it is.

    Raises:
        CourseError: An archive is missing or wrong, or the captions cannot be read.
    """
    folder = settings.data_folder
    if settings.dataset in ("flickr8k", "scenes"):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with locked(folder.with_name(f".{folder.name}.lock"), f"makes {folder}"):
                if settings.dataset == "flickr8k":
                    fetch_flickr8k(folder)
                else:
                    _draw(folder, settings.picture_count)
        except OSError as error:
            raise cannot_write(folder, error) from error
    raw = read_folder(folder)
    for line in raw.form.splitlines():  # `make run` shows lines that begin so
        print(f"Data set {raw.name}: {line}")
    return raw


def _draw(folder: Path, count: int) -> None:
    """Draw the scenes, unless they are there."""
    try:
        texts = {name: (folder / name).read_text("utf-8") for name in DRAWN}
        drawn = json.loads(texts["facts.json"])
    except (FileNotFoundError, ValueError):  # half made, or a part was deleted or cut short
        try:
            generate_scenes(folder, count)
        except ValueError as error:
            raise CourseError(f"The scenes cannot be drawn: {error}") from error
        return
    missing = [image for image in drawn if not (folder / "Images" / image).exists()]
    if missing:
        raise CourseError(
            f"{len(missing):,} of the {len(drawn):,} drawn pictures are gone from "
            f"{folder / 'Images'}, for example {missing[0]}: delete {folder}, and the next run "
            "draws everything anew."
        )
