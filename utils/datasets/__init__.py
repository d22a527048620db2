"""Raw data sets and their cleaning: scenes, Flickr8k, a folder of one's own (notebook 01)."""

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from utils.artifacts import fingerprint, require, save_table, write_manifest
from utils.encoders import read_image
from utils.errors import CourseError
from utils.datasets.flickr8k import fetch_flickr8k, read_flickr8k
from scenes import generate_scenes
from utils.vocabulary import clean_caption

SPLITS = ("train", "dev", "test")
NOVEL = "novel"  # scenes has it besides: combinations that never occur in train


@dataclass(frozen=True)
class RawDataset:
    """A data set as it was found, before any cleaning.

    `captions` is a DataFrame (image, caption), `splits` a Series from image to split; the
    pictures lie in `image_folder`.
    """

    name: str
    image_folder: Path
    captions: pd.DataFrame
    splits: pd.Series

    def path(self, image):
        """Path of a picture, given its file name."""
        return self.image_folder / image


def load_raw_dataset(settings):
    """Fetch the data set of `settings` where it is not there yet, and read it.

    Raises:
        CourseError: An archive is missing or wrong, or the captions cannot be read.
    """
    folder = settings.data_folder
    if settings.dataset == "flickr8k":
        fetch_flickr8k(folder)
        return RawDataset("flickr8k", *read_flickr8k(folder))
    if settings.dataset == "scenes" and not (folder / "splits.csv").exists():
        generate_scenes(folder, settings.picture_count)
    return read_folder(folder, settings.seed)


# A folder with captions.txt and Images/ ---------------------------------------------------------


def read_folder(folder, seed):
    """Read a data set of one's own.

    Args:
        folder: Holds `captions.txt` (CSV with the header `image,caption`, a row per caption),
            `Images/` and, if the splits are fixed, `splits.csv` (image,split).
        seed: Without `splits.csv` the pictures are split 80 : 10 : 10 at random by this seed.
    """
    folder = Path(folder)
    captions = _read_table(folder / "captions.txt", ["image", "caption"])
    if not (folder / "Images").is_dir():
        raise CourseError(f"The folder Images/ is missing in {folder}: put the pictures there.")
    if (folder / "splits.csv").exists():
        splits = _read_splits(folder / "splits.csv")
    else:
        images = np.sort(captions["image"].unique())
        np.random.default_rng(seed).shuffle(images)
        places = np.searchsorted([0.8, 0.9], np.arange(len(images)) / len(images), side="right")
        splits = pd.Series(np.array(SPLITS)[places], index=images)
    return RawDataset(folder.name, folder / "Images", captions, splits)


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


# Inspecting and cleaning ------------------------------------------------------------------------


def inspect_pictures(raw):
    """Open every picture that a caption or the picture folder names.

    Args:
        raw: A `RawDataset`.

    Returns:
        A DataFrame (image, sha256, problem), sorted by image. `problem` is empty where the
        picture can be read, else "missing" or "unreadable". Taught in notebook 01.
    """
    in_folder = {path.name for path in raw.image_folder.glob("[!.]*") if path.is_file()}
    images = sorted(in_folder | set(raw.captions["image"]))

    def inspect(image):
        if image not in in_folder:
            return image, "", "missing"
        try:
            read_image(raw.path(image), 32)
        except CourseError:
            return image, fingerprint(raw.path(image)), "unreadable"
        return image, fingerprint(raw.path(image)), ""

    with ThreadPoolExecutor() as pool:
        bar = tqdm(pool.map(inspect, images), total=len(images), desc="pictures", mininterval=1)
        return pd.DataFrame(list(bar), columns=["image", "sha256", "problem"])


def find_defects(raw, pictures):
    """List everything in a raw data set that cleaning will repair or leave out.

    Args:
        raw: A `RawDataset`.
        pictures: What `inspect_pictures` found.

    Returns:
        A DataFrame (image, defect, detail, caption, action), one row per defect; `caption` is
        empty where the picture is at fault. Taught in notebook 01.
    """
    empty = raw.captions["caption"].map(clean_caption) == ""
    captioned = raw.captions.loc[~empty, "image"].value_counts()
    sound = pictures[pictures["problem"] == ""]
    usable = sound[sound["image"].isin(captioned.index)]
    rows = []
    for picture in pictures[pictures["problem"] != ""].itertuples():
        detail = f"{captioned.get(picture.image, 0)} captions"
        rows.append((picture.image, f"picture {picture.problem}", detail, "", "left out"))
    for image in sound["image"][~sound["image"].isin(captioned.index)]:
        rows.append((image, "picture without captions", "", "", "left out"))
    for image in usable["image"][~usable["image"].isin(raw.splits.index)]:
        rows.append((image, "picture in no split", "", "", "left out"))
    rows += _find_copies(usable, raw.splits)
    rows += _find_caption_defects(raw.captions)
    return pd.DataFrame(rows, columns=["image", "defect", "detail", "caption", "action"])


def load_planted_defects(folder):
    """Read the list of defects that `generate_scenes` planted, in the words of `find_defects`.

    Args:
        folder: A folder of raw data.

    Returns:
        A DataFrame (image, defect); empty if the folder has no `defects.json`.
        Taught in notebook 01.
    """
    names = {
        "missing": "picture missing",
        "truncated": "picture unreadable",
        "duplicate": "duplicate picture",
        "empty": "empty caption",
        "characters": "odd typing",
    }
    path = folder / "defects.json"
    planted = json.loads(path.read_text("utf-8")) if path.exists() else []
    rows = [(defect["image"], names[defect["kind"]]) for defect in planted]
    return pd.DataFrame(rows, columns=["image", "defect"], dtype=str)


def _find_caption_defects(captions):
    """What is odd in the captions; capitals and punctuation are not, every caption has them."""
    cleaned = captions["caption"].map(clean_caption)
    repeated = captions.assign(caption=cleaned).duplicated()
    rows = []
    for image, caption, plain, again in zip(
        captions["image"], captions["caption"], cleaned, repeated, strict=True
    ):
        if not plain:
            rows.append((image, "empty caption", "", caption, "left out"))
            continue
        if odd := _oddities(caption):
            rows.append((image, "odd typing", odd, caption, "repaired"))
        if " " not in plain:
            rows.append((image, "one-word caption", "", caption, "kept"))
        if again:
            rows.append((image, "repeated caption", "", caption, "kept"))
    return rows


def _find_copies(pictures, splits):
    """Byte-identical pictures: harmless within a split, a leak across splits."""
    order = ["test", "novel", "dev", "train"]  # the first of these keeps its picture
    pictures = pictures[pictures["image"].isin(splits.index)]
    rows = []
    for _, images in pictures.groupby("sha256")["image"]:
        kept, *copies = sorted(images, key=lambda image: (order.index(splits[image]), image))
        for copy in copies:
            leak = splits[copy] != splits[kept]
            detail = f"same as {kept} ({splits[kept]})"
            action = "left out" if leak else "kept"
            rows.append((copy, "duplicate picture", detail, "", action))
    return rows


def _oddities(caption):
    """What nobody types into a plain sentence, as a short description; letters may be any."""
    found = {char for char in caption if char in "\t#*_~^|<>\\"}
    found |= {char for char in caption if not char.isascii() and not char.isalnum()}
    found = [char if char.isprintable() else f"U+{ord(char):04X}" for char in sorted(found)]
    if "  " in caption.strip():
        found.append("double space")
    if caption.isupper() and len(caption.split()) > 1:
        found.append("capitals only")
    return ", ".join(found)


def clean_dataset(raw, pictures, defects):
    """Apply what `find_defects` listed.

    Args:
        raw: A `RawDataset`.
        pictures: What `inspect_pictures` found.
        defects: What `find_defects` found.

    Returns:
        captions: DataFrame (image, split, caption), captions cleaned, sorted by image.
        pictures: DataFrame (image, sha256) of the pictures that remain, sorted by image: the
            order of the rows of `features.npy`.

    Raises:
        CourseError: Nothing is left in a split.
    """
    left_out = defects[defects["action"] == "left out"]
    gone = set(left_out.loc[left_out["defect"] != "empty caption", "image"])
    captions = raw.captions[~raw.captions["image"].isin(gone)].copy()
    captions["caption"] = captions["caption"].map(clean_caption)
    captions["split"] = captions["image"].map(raw.splits)
    captions = captions[captions["caption"] != ""].sort_values("image", kind="stable")
    for split in SPLITS:
        if not (captions["split"] == split).any():
            raise CourseError(f"No usable picture is left in the {split} split of {raw.name}.")
    pictures = pictures[pictures["image"].isin(captions["image"])][["image", "sha256"]]
    return captions[["image", "split", "caption"]], pictures.sort_values("image")


def save_captions(run_folder, captions, pictures, **details):
    """Write `captions.csv`, `pictures.csv` and their manifests."""
    for name, table in (("captions.csv", captions), ("pictures.csv", pictures)):
        save_table(run_folder / name, table)
        write_manifest(run_folder / name, **details)


def load_captions(run_folder):
    """Read `captions.csv`: DataFrame (image, split, caption).

    Raises:
        CourseError: It is missing or was changed.
    """
    return pd.read_csv(require(run_folder / "captions.csv"), dtype=str, keep_default_na=False)


def load_pictures(run_folder):
    """Read `pictures.csv`: DataFrame (image, sha256), a row per row of `features.npy`."""
    return pd.read_csv(require(run_folder / "pictures.csv"), dtype=str, keep_default_na=False)


def references_of(captions, split):
    """Group the captions of a split by picture.

    Args:
        captions: DataFrame (image, split, caption).
        split: The split's name.

    Returns:
        Dict from image to its list of references, in the order of `captions`.
    """
    chosen = captions[captions["split"] == split]
    return chosen.groupby("image", sort=False)["caption"].apply(list).to_dict()
