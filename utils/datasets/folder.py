"""A data set of one's own: a folder with captions.txt and Images/ (notebook 01)."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from utils.datasets.raw import NOVEL, SPLITS, RawDataset
from utils.errors import CourseError

SPLIT_SEED = 7  # not that of a training: another training must not move pictures from test to train


def read_folder(folder: str | Path) -> RawDataset:
    """Read a data set of one's own.

    Args:
        folder: Holds `captions.txt` (CSV with the header `image,caption`, a row per caption),
            `Images/` and, if the splits are fixed, `splits.csv` (image,split). Without it the
            pictures are split 80 : 10 : 10 at random, the same way every time.

    Raises:
        CourseError: A part is missing or cannot be read; the sentence names it.
    """
    folder = Path(folder)
    captions = _read_table(folder / "captions.txt", ["image", "caption"])
    if not (folder / "Images").is_dir():
        raise CourseError(f"The folder Images/ is missing in {folder}: put the pictures there.")
    if (folder / "splits.csv").exists():
        splits = _read_splits(folder / "splits.csv")
    else:
        splits = draw_splits(captions["image"].unique())
    sources = [folder / "captions.txt", folder / "splits.csv"]
    there = tuple(path for path in sources if path.exists())
    return RawDataset(folder.name, folder / "Images", captions, splits, there)


def draw_splits(images: np.ndarray) -> pd.Series:
    """Split pictures 80 : 10 : 10 at random, the same way every time, each split with one at least.

    Args:
        images: Their names, each once.

    Returns:
        Series from image to split.

    Raises:
        CourseError: There are fewer than three.
    """
    if len(images) < len(SPLITS):
        raise CourseError(
            f"Only {len(images)} of the pictures have captions, and the course needs three at "
            "least: one to learn from, one to choose by, one to test on. A hundred are a beginning."
        )
    images = np.sort(images)
    np.random.default_rng(SPLIT_SEED).shuffle(images)
    places = np.searchsorted([0.8, 0.9], np.arange(len(images)) / len(images), side="right")
    places[-2:] = np.maximum(places[-2:], [1, 2])  # of fewer than ten
    return pd.Series(np.array(SPLITS)[places], index=images)


def _read_splits(path):
    table = _read_table(path, ["image", "split"])
    if wrong := sorted(set(table["split"]) - {*SPLITS, NOVEL}):
        raise CourseError(f"{path} names the split {wrong[0]!r}: write train, dev or test.")
    if (twice := table["image"].duplicated()).any():
        image = table.loc[twice, "image"].iloc[0]
        raise CourseError(f"{path} names the picture {image} twice: keep one of the rows.")
    return table.set_index("image")["split"]


def _read_table(path, columns):
    """Read a CSV file of two columns, everything as text: a caption "null" is a caption."""
    header = ",".join(columns)
    if not path.exists():
        raise CourseError(f"{path.name} is missing in {path.parent}: see data/README.md.")
    try:
        # utf-8-sig: spreadsheets put an invisible mark at the start of the file.
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise CourseError(f"{path} is no CSV file in UTF-8: {error}.") from error
    if not rows or rows[0] != columns:
        raise CourseError(
            f"{path} must start with the line {header}, "
            f"but {'starts with ' + ','.join(rows[0]) if rows else 'is empty'}."
        )
    if len(rows) == 1:
        raise CourseError(f"{path} holds no rows: put one {' and '.join(columns)} on each line.")
    # A comma in a caption that stands without quotation marks belongs to the caption.
    rows = [(row[0].strip(), ",".join(row[1:])) for row in rows[1:]]
    return pd.DataFrame(rows, columns=columns, dtype=str)
