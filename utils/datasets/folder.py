"""A captioned data set in any common form, read from its folder (notebook 01)."""

import os
from pathlib import Path

import pandas as pd

from utils.datasets.formats import EXPECTED, Captions, describe_folder, find_form
from utils.datasets.names import NUMBERED, list_pictures, match_names, picture_folder, shown
from utils.datasets.raw import RawDataset
from utils.datasets.splits import DRAWN, complete_splits, read_official_splits, read_splits
from utils.errors import CourseError


def read_folder(folder: str | Path) -> RawDataset:
    """Read a data set from its folder, in whichever form of `data/README.md` it lies there.

    Args:
        folder: Holds captions in one of the forms, and the pictures. `splits.csv` (image,split)
            wins over what the form itself says about splits; where nothing does, the pictures are
            split 80 : 10 : 10 at random, the same way every time.

    Returns:
        The data set; names of pictures are paths below its folder of pictures, and `form` says
        what it was taken for.

    Raises:
        CourseError: No form fits, a part is missing or cannot be read, or more than half of the
            names in the captions find no picture; the sentence names it.
    """
    folder = Path(folder)
    root, (form, paths, others) = _recognised(folder)
    image_folder = picture_folder(root)
    files = list_pictures(image_folder)
    captions = form.read(paths, root, files)
    if captions.table.empty:
        raise CourseError(f"{captions.sources[0]} holds no captions.")
    place = _place(image_folder, folder)
    if not files:
        raise CourseError(
            f"No picture lies in {place}: put the pictures that {captions.sources[0].name} names "
            "there, into Images/."
        )
    splits, told, lists = _named_splits(root, captions)
    there = set(files)
    matched = match_names({*captions.table["image"], *splits}, files)
    table = captions.table.assign(image=captions.table["image"].map(_renamed(matched)))
    splits = {_renamed(matched)(name): split for name, split in splits.items()}
    if (root / "splits.csv") not in lists:
        # A list may be of more pictures than lie here: what is not here makes no split whole.
        splits = {image: split for image, split in splits.items() if image in there}
        splits, remark = complete_splits(splits, table["image"].unique().tolist())
        told = DRAWN if remark == DRAWN else f"{told}, {remark}" if remark else told
    named = ", ".join(str(path.relative_to(folder)) for path in captions.sources)
    line = f"{named} was taken for {captions.form}, pictures in {place}, {told}."
    line += f" Not read: {', '.join(others)}." if others else ""
    line += _missing(table, files, named, place)
    sources = (*captions.sources, *lists)
    return RawDataset(folder.name, image_folder, table, pd.Series(splits), sources, line)


def _recognised(folder):
    """Return where the data set lies and its form; an archive may have brought one more folder."""
    found, root = find_form(folder), folder
    while found is None:
        inside = [path for path in root.glob("*") if not path.name.startswith((".", "__MACOSX"))]
        if len(inside) != 1 or not inside[0].is_dir():
            raise CourseError(
                f"captions.txt is missing in {folder}, and no other form of data set fits: found "
                f"{describe_folder(folder)}; expected {EXPECTED}. See data/README.md."
            )
        root = inside[0]
        found = find_form(root)
    return root, found


def _named_splits(root: Path, captions: Captions) -> tuple[dict[str, str], str, tuple[Path, ...]]:
    """Return splits as they are named, who names them, and the files besides the captions."""
    if (root / "splits.csv").is_file():
        return read_splits(root / "splits.csv"), "split by splits.csv", (root / "splits.csv",)
    splits, lists = read_official_splits(root)
    if splits:
        return splits, "official split of Flickr8k", lists
    return captions.splits, "split as it says itself", ()


def _renamed(matched):
    return lambda name: matched.get(name) or NUMBERED.sub("", name)


def _place(image_folder, folder):
    inside = os.path.relpath(image_folder, folder)
    return f"{folder.name}/" if inside == "." else f"{inside}/"


def _missing(table, files, named, place):
    """Say how many names find no picture and show one of each side; refuse more than half."""
    images = set(table["image"])
    missing, spare = sorted(images - set(files)), sorted(set(files) - images)
    if not missing:
        return ""
    count = f"{len(missing):,} of the {len(images):,} pictures that {named} names"
    examples = f"for example {shown(missing[0])}"
    if spare:
        examples += f"; what lies there without captions is, for example, {shown(spare[0])}"
    if len(missing) > len(images) / 2:
        raise CourseError(f"{count} are not in {place}, {examples}: make the names agree.")
    return f"\n{count} are not there, {examples}."
