"""Which picture is for training, dev and test: lists that are there, else drawn (notebook 01)."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from utils.datasets.raw import NOVEL, SPLITS
from utils.datasets.tables import read_records, read_text
from utils.errors import CourseError

SPLIT_SEED = 7  # not that of a training: another training must not move pictures from test to train
OFFICIAL = {split: f"Flickr_8k.{split}Images.txt" for split in SPLITS}
DRAWN = "split drawn 80 : 10 : 10"
# What others call the splits; restval is what Karpathy adds to train.
ALIASES = {
    **dict.fromkeys(("train", "training", "restval"), "train"),
    **dict.fromkeys(("dev", "val", "valid", "validation"), "dev"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def read_splits(path: Path) -> dict[str, str]:
    """Read `splits.csv`, a table (image, split).

    Returns:
        dict from the name of a picture, as typed, to train, dev, test or novel.

    Raises:
        CourseError: The file cannot be read, names an unknown split, or a picture twice.
    """
    records, _, _ = read_records(path)
    rows = [[field.strip() for field in record] for record in records]
    header = ["image", "split"]
    if not rows or rows[0][:2] != header:
        begin = f"starts with {','.join(rows[0])[:60]!r}" if rows else "is empty"
        raise CourseError(f"{path} must start with the line image,split, but {begin}.")
    if len(rows) == 1:
        raise CourseError(f"{path} holds no rows: put one image and split on each line.")
    splits: dict[str, str] = {}
    for image, split in ((row[0], row[1] if len(row) > 1 else "") for row in rows[1:]):
        if split not in {*SPLITS, NOVEL}:
            raise CourseError(f"{path} names the split {split!r}: write train, dev or test.")
        if image in splits:
            raise CourseError(f"{path} names the picture {image} twice: keep one of the rows.")
        splits[image] = split
    return splits


def read_official_splits(folder: Path) -> tuple[dict[str, str], tuple[Path, ...]]:
    """Read Flickr8k's own lists of pictures, as far as they lie in `folder`.

    Returns:
        dict from the name of a picture to its split, and the files that were read.
    """
    paths = {split: folder / name for split, name in OFFICIAL.items() if (folder / name).is_file()}
    splits = {
        line.strip(): split
        for split, path in paths.items()
        for line in read_text(path)[0].splitlines()
        if line.strip()
    }
    return splits, tuple(paths.values())


def complete_splits(splits: dict[str, str], images: Collection[str]) -> tuple[dict[str, str], str]:
    """Return splits that have all of train, dev and test, and how they came about.

    Args:
        splits: From picture to split, as a data set names them, of the pictures that are there.
        images: The pictures that have captions.

    Returns:
        The splits themselves where they are whole. Where dev or test is missing, half of the other
        becomes it. Where nothing is there to learn from or to score on, all pictures are split
        80 : 10 : 10 at random, each split with one at least. Both the same way every time. Then a
        remark, empty if whole.

    Raises:
        CourseError: Fewer than three pictures are there to be split.
    """
    named = set(splits.values())
    held_out = named & {"dev", "test"}
    if "train" not in named or not held_out:
        order = _shuffled(images)
        if len(order) < len(SPLITS):
            raise CourseError(
                f"Pictures with captions: {len(order)}. The course needs three at least, one to "
                "learn from, one to choose by, one to test on; a hundred are a beginning."
            )
        places = np.searchsorted([0.8, 0.9], np.arange(len(order)) / len(order), side="right")
        places[-2:] = np.maximum(places[-2:], [1, 2])  # of fewer than ten
        return dict(zip(order, np.array(SPLITS)[places].tolist(), strict=True)), DRAWN
    if len(held_out) == 2:
        return splits, ""
    (given,) = held_out
    missing = "test" if given == "dev" else "dev"
    order = _shuffled([image for image in images if splits.get(image) == given])
    return splits | dict.fromkeys(order[::2], missing), f"half of its {given} drawn as {missing}"


def _shuffled(images):
    images = np.sort(np.array(list(images), dtype=object))
    np.random.default_rng(SPLIT_SEED).shuffle(images)
    return images.tolist()
