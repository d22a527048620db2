"""Raw data sets and their cleaning: scenes, Flickr8k, a folder of one's own (notebook 01)."""

from scenes import generate_scenes
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


def load_raw_dataset(settings: Settings) -> RawDataset:
    """Fetch the data set of `settings` where it is not there yet, read it, say what it is.

    Raises:
        CourseError: An archive is missing or wrong, or the captions cannot be read.
    """
    folder = settings.data_folder
    if settings.dataset == "flickr8k":
        fetch_flickr8k(folder)
    if settings.dataset == "scenes" and not (folder / "splits.csv").exists():
        try:
            generate_scenes(folder, settings.picture_count)
        except ValueError as error:
            raise CourseError(f"The scenes cannot be drawn: {error}") from error
    raw = read_folder(folder)
    for line in raw.form.splitlines():  # `make run` shows lines that begin so
        print(f"Data set {raw.name}: {line}")
    return raw
