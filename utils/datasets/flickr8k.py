"""Flickr8k: fetching its two archives and reading its files (used by notebook 01)."""

import hashlib
import json
import shutil
import sys
import zipfile
import zlib
from pathlib import Path

import pandas as pd
import requests
from tqdm import tqdm

from utils.artifacts import fingerprint
from utils.datasets.tables import read_captions
from utils.errors import CourseError
from utils.settings import ROOT, folder_from_environment

# Hodosh, Young and Hockenmaier, "Framing image description as a ranking task", JAIR 47, 2013.
ADDRESS = "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k/"
ARCHIVES = {  # file name: MD5 of the public file
    "Flickr8k_text.zip": "bf6c1abcb8e4a833b7f922104de18627",
    "Flickr8k_Dataset.zip": "f18a1e2920de5bd84dae7cf08ec78978",
}
TEXTS = {  # SHA-256 of the texts, which every copy of the data set shares
    "Flickr8k.token.txt": "9b8608b02da9040581f1e3d4c8738db1fb6f63314342100432adc3962f77d71a",
    "Flickr_8k.trainImages.txt": "e330ddd5156a4c2d2e2b67bc587e70e588f2d132bd8a10dc54dcb71e58115d8e",
    "Flickr_8k.devImages.txt": "18ba829f47f6df1cb830bf7f0506e2ddf333818925299babbd1bbcaf50fdc504",
    "Flickr_8k.testImages.txt": "c0924146c131458ceba45da59670fe9520eadce1e5cafffa16a817672a9b1f17",
}
PICTURE_FOLDER = "Flicker8k_Dataset"  # spelled so in the archive
PICTURE_COUNT = 8091
LARGEST = 8 << 30  # bytes that an archive may unpack to: seven times the public one
JUDGEMENTS = "ExpertAnnotations.txt"


def fetch_flickr8k(folder: Path) -> None:
    """Unpack Flickr8k into `folder`, from `CAPTION_ARCHIVES` or else downloaded.

    `CAPTION_ARCHIVES` names a folder that holds the two zip files. A download that was cut off
    is continued. `folder` appears only once everything is unpacked and checked.

    Args:
        folder: Where the data set shall lie; nothing happens if something lies there already.

    Raises:
        CourseError: An archive cannot be had, is damaged, or is another data set.
    """
    unpacked = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(unpacked, ignore_errors=True)  # left by a program that was killed
    if folder.exists() and any(folder.iterdir()):
        return
    # All archives first: a missing one shows before anything is unpacked.
    paths = [_find_archive(name, md5, folder.parent) for name, md5 in ARCHIVES.items()]
    try:
        text_path, picture_path = paths
        _unzip(text_path, unpacked)
        for name, expected in TEXTS.items():
            if not (unpacked / name).exists() or fingerprint(unpacked / name) != expected:
                raise CourseError(
                    f"{text_path} does not hold Flickr8k's {name}: "
                    "it is another data set or edition."
                )
        _unzip(picture_path, unpacked)
        found = len(list((unpacked / PICTURE_FOLDER).glob("*.jpg")))
        if found != PICTURE_COUNT:
            raise CourseError(
                f"{picture_path} holds {found} pictures in {PICTURE_FOLDER}/ instead of "
                f"{PICTURE_COUNT}: it is not Flickr8k's picture archive."
            )
        unpacked.rename(folder)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _find_archive(name, md5, data_folder):
    archives = folder_from_environment("archives")
    if archives is None:
        return download(ADDRESS + name, data_folder / "downloads" / name, md5)
    path = archives / name
    if not path.exists():
        raise CourseError(f"{path} does not exist: CAPTION_ARCHIVES must name the folder of it.")
    return path


def _unzip(path, folder):
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            options = {"mininterval": 1, "file": sys.stdout}
            for member in tqdm(members, desc=f"unpacking {path.name}", **options):
                archive.extract(member, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise CourseError(
            f"{path} is damaged or no zip file: delete it and fetch it again."
        ) from error
    except NotImplementedError as error:
        raise CourseError(
            f"{path} is packed in a way that Python cannot read ({error}): unpack it and pack it "
            "anew as a plain zip file."
        ) from error


def _members(path, archive):
    """Return the names of what is to be unpacked; an archive that must not be is named as such."""
    members = [info for info in archive.infolist() if not info.filename.startswith("__MACOSX")]
    size = sum(info.file_size for info in members)
    if size > LARGEST:
        raise CourseError(
            f"{path} would unpack to {size / 1e9:,.0f} GB, and Flickr8k has 1: it is another "
            "archive, or made to fill disks."
        )
    if any(info.flag_bits & 1 for info in members):
        raise CourseError(
            f"{path} is encrypted: unpack it with its password and pack it anew without one."
        )
    inner = [info.filename for info in members if info.filename.lower().endswith(".zip")]
    if inner:
        raise CourseError(
            f"{path} holds another archive, {inner[0]}: take that one out and put it in its place."
        )
    return [info.filename for info in members]


def download(address: str, path: Path, md5: str) -> Path:
    """Download a file with a progress bar, continuing where an earlier try was cut off.

    Args:
        address: The file's web address.
        path: Where the file shall lie; nothing is fetched if it is there already. Meanwhile
            `<path>.part` holds what has come so far.
        md5: The expected MD5, hexadecimal.

    Returns:
        `path`.

    Raises:
        CourseError: The address cannot be reached or the file is not the expected one.
    """
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    before = part.stat().st_size if part.exists() else 0
    try:
        whole = _download_rest(address, part)
    except requests.RequestException as error:
        raise CourseError(
            f"{path.name} could not be downloaded from {address} ({type(error).__name__}): run "
            "again to continue, or set CAPTION_ARCHIVES to a folder that holds the file."
        ) from error
    with open(part, "rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != md5:
        # A server that names no length cannot tell an end from a break: more may be to come, as
        # long as something comes.
        if not whole and part.stat().st_size > before:
            raise CourseError(
                f"{path.name} ended after {part.stat().st_size:,} bytes, which is too early or "
                "another file: run again to continue."
            )
        part.unlink()
        raise CourseError(
            f"{address} gave another file than expected (MD5 {found}): run again, or set "
            "CAPTION_ARCHIVES to a folder that holds the right one."
        )
    part.rename(path)
    return path


def _download_rest(address, part):
    """Fetch what is still to come; returns whether that is certainly all of it."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(address, headers=headers, stream=True, timeout=20) as response:
        if have and response.status_code == 416:
            return True  # nothing is left to fetch
        response.raise_for_status()
        if response.status_code != 206:
            have = 0  # the server sends the file from its start
        length = response.headers.get("Content-Length")
        bar = tqdm(
            total=have + int(length) if length else None,
            initial=have,
            unit="B",
            unit_scale=True,
            desc=part.stem,
            file=sys.stdout,
            mininterval=1,
        )
        with bar, open(part, "ab" if have else "wb") as file:
            for block in response.iter_content(1 << 20):
                file.write(block)
                bar.update(len(block))
        chunked = response.headers.get("Transfer-Encoding") == "chunked"  # it has a last chunk
        return bool(length) or chunked


def read_judgements(folder: Path) -> pd.DataFrame:
    """Read what three experts think of captions of test pictures.

    The candidates are captions that people wrote for other pictures, found by a machine, so most
    fit badly. Pairs in which a picture met one of its own captions are left out, as in all
    published comparisons: the caption is one of its references.

    Args:
        folder: What `fetch_flickr8k` made.

    Returns:
        A DataFrame (image, caption, lowest, middle, highest), the caption as it was typed. The
        three ratings reach from 1 (does not describe the picture) to 4 (describes it). They are
        sorted, so no column is one person's.

    Raises:
        CourseError: The experts' file is not there.

    Taught in notebook 06.
    """
    path = folder / JUDGEMENTS
    if not path.exists():
        raise CourseError(f"{path} does not exist: unpack Flickr8k_text.zip, which holds it, anew.")
    captions, _ = read_captions(folder / "Flickr8k.token.txt", quoted=False)
    columns = ["image", "caption", "lowest", "middle", "highest"]
    table = pd.read_csv(path, sep="\t", names=columns, dtype=dict.fromkeys(columns[:2], str))
    table = table[table["caption"].str.rsplit("#", n=1).str[0] != table["image"]]
    table["caption"] = table["caption"].map(captions.set_index("image")["caption"].to_dict())
    return table.dropna().reset_index(drop=True)


def load_agreement() -> pd.DataFrame:
    """Load how far scores agree with the experts, as it was measured once for everybody.

    Returns:
        A DataFrame indexed by score, with columns kind ("score", "people" or "control"), tau_c
        (Kendall's tau-c times 100), low and high (its 95 % bootstrap interval over the pictures)
        and published (NaN where the literature has none).

    Taught in notebook 06.
    """
    stored = json.loads((ROOT / "benchmarks" / "judgements.json").read_text("utf-8"))
    return pd.DataFrame(stored["agreement"]).set_index("score").astype({"published": float})
