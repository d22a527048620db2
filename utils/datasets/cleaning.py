"""Inspecting a raw data set, listing its defects, cleaning it (notebook 01)."""

import hashlib
import json
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from utils.datasets.names import list_pictures
from utils.datasets.raw import SPLITS, RawDataset
from utils.errors import CourseError, shown_name
from utils.images import decode_picture, picture_content
from utils.vocabulary import clean_caption

MOST_WORDS = 100  # of a caption that is learned from: one of 5,000 would make every batch as wide


def inspect_pictures(raw: RawDataset) -> pd.DataFrame:
    """Open every picture that a caption or the picture folder names.

    Args:
        raw: A `RawDataset`.

    Returns:
        A DataFrame (image, sha256, problem, reason), sorted by image. `problem` is empty where the
        picture can be read, else "missing" or "unreadable", and `reason` says why. Taught in
        notebook 01.
    """
    in_folder = set(list_pictures(raw.image_folder))
    images = sorted(in_folder | set(raw.captions["image"]))

    def inspect(image):
        if image not in in_folder:
            return image, "", "missing", ""
        try:
            image.encode()
            path = raw.path(image)
            name, content = picture_content(path)
            decode_picture(name, content)
        except CourseError as error:
            return image, "", "unreadable", str(error).partition(f"{path} ")[2]
        except UnicodeEncodeError:
            reason = "has a name that is no UTF-8: rename it."
            return shown_name(image), "", "unreadable", reason
        return image, hashlib.sha256(content).hexdigest(), "", ""

    with ThreadPoolExecutor() as pool:
        options = {"desc": "pictures", "mininterval": 1, "file": sys.stdout}
        bar = tqdm(pool.map(inspect, images), total=len(images), **options)
        return pd.DataFrame(list(bar), columns=["image", "sha256", "problem", "reason"])


def find_defects(raw: RawDataset, pictures: pd.DataFrame) -> pd.DataFrame:
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
        detail += f"; it {picture.reason}" if picture.reason else ""
        rows.append((picture.image, f"picture {picture.problem}", detail, "", "left out"))
    for image in sound["image"][~sound["image"].isin(captioned.index)]:
        rows.append((image, "picture without captions", "", "", "left out"))
    for image in usable["image"][~usable["image"].isin(raw.splits.index)]:
        rows.append((image, "picture in no split", "", "", "left out"))
    rows += _find_copies(usable, raw.splits)
    rows += _find_caption_defects(raw.captions)
    return pd.DataFrame(rows, columns=["image", "defect", "detail", "caption", "action"])


def load_planted_defects(folder: Path) -> pd.DataFrame:
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
        if (words := len(plain.split())) > MOST_WORDS:
            detail = f"{words:,} words; train learns {MOST_WORDS}"
            rows.append((image, "long caption", detail, caption, "repaired"))
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


def _is_plain(char):
    """Whether a character beyond ASCII belongs to some language's plain sentences."""
    category = unicodedata.category(char)
    # Accents and vowel signs; what joins letters in Persian and Hindi; the full stops, commas,
    # question and quotation marks of other scripts, but not the typographic ones of English.
    return (
        char.isalnum()
        or category in ("Mn", "Mc")
        and not "\ufe00" <= char <= "\ufe0f"
        or char in "\u200c\u200d\u3000¿¡«»"
        or category[0] == "P"
        and char > "\xff"
        and not "\u2000" <= char <= "\u206f"
    )


def _oddities(caption):
    """What nobody types into a plain sentence, as a short description; letters may be any."""
    found = {char for char in caption if char in "\t#*_~^|<>\\"}
    found |= {char for char in caption if not char.isascii() and not _is_plain(char)}
    found = [char if char.isprintable() else f"U+{ord(char):04X}" for char in sorted(found)]
    if caption.count('"') % 2:
        found.append("unbalanced quotation mark")
    if "  " in caption.strip():
        found.append("double space")
    if caption.isupper() and len(caption.split()) > 1:
        found.append("capitals only")
    return ", ".join(found)


def clean_dataset(
    raw: RawDataset, pictures: pd.DataFrame, defects: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
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
    # References stay whole: a score compares with what people wrote.
    long = captions["split"].eq("train") & (captions["caption"].str.count(" ") >= MOST_WORDS)
    captions.loc[long, "caption"] = captions.loc[long, "caption"].map(
        lambda text: " ".join(text.split()[:MOST_WORDS])
    )
    for split in SPLITS:
        if not (captions["split"] == split).any():
            raise CourseError(f"No usable picture is left in the {split} split of {raw.name}.")
    pictures = pictures[pictures["image"].isin(captions["image"])][["image", "sha256"]]
    return captions[["image", "split", "caption"]], pictures.sort_values("image")
