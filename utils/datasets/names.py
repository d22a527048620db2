"""Which picture a name in a table means: names and files as people write them (notebook 01)."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from utils.errors import shown_name

# What may lie among pictures and is none.
NO_PICTURE = re.compile(
    r"\.(txt|csv|tsv|token|jsonl?|md|rst|py|ipynb|zip|tar|gz|7z|mat|parquet|arrow|xlsx|db|ini|log)$",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"#\d+$")  # Flickr8k and Flickr30k number the captions: name.jpg#0


def list_pictures(folder: Path) -> list[str]:
    """Return the files below `folder` that may be pictures, sorted, as paths relative to it.

    Hidden files and folders are passed over, and files that by their suffix are tables, texts or
    archives. Folders that are links are followed, each once.
    """
    found, seen = [], set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()  # a link that leads back
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if _counts(name))
        inside = os.path.relpath(place, folder)
        for name in files:
            if _counts(name) and not NO_PICTURE.search(name):
                found.append(name if inside == "." else os.path.join(inside, name))
    return sorted(found)


def _counts(name):
    return not name.startswith((".", "__MACOSX"))


def picture_folder(folder: Path) -> Path:
    """Return the folder of the pictures of a data set: `Images/`, else whatever holds them all."""
    named = sorted(path for path in folder.glob("[Ii][Mm][Aa][Gg][Ee][Ss]") if path.is_dir())
    start = named[0] if named else folder
    parents = {os.path.dirname(file) for file in list_pictures(start)}
    return start / os.path.commonpath(parents) if parents else start


def match_names(names: Iterable[str], files: Iterable[str]) -> dict[str, str]:
    """Find the file that each name means.

    A name means a file if both are spelled alike, or else up to upper and lower case, the way
    accents are composed, the number of a caption behind it (`#0`), a missing suffix, and folders
    that stand before only one of the two. What could mean several files means none; of names with
    different folders that could mean the same file, only one that is spelled alike does.

    Args:
        names: Names from a table.
        files: Paths of pictures as `list_pictures` returns them.

    Returns:
        dict from name to file, of the names that mean one.
    """
    there, by_name, by_stem = set(files), defaultdict(list), defaultdict(list)
    for file in there:
        *folders, last = _parts(file)
        by_name[last].append(([*folders, last], file))
        by_stem[last.rpartition(".")[0]].append(([*folders, last.rpartition(".")[0]], file))
    matched, exact, claims = {}, set(), defaultdict(set)
    for name in names:
        for wanted in (name, NUMBERED.sub("", name)):
            parts = _parts(wanted)
            file = wanted if wanted in there else _only_file(parts, by_name, by_stem)
            if file:
                matched[name] = file
                if file == wanted:
                    exact.add(name)
                claims[file].add(tuple(parts[: -len(_parts(file))]))
                break
    # Two folders in the table, none on the disk: nobody knows whose picture it is.
    return {
        name: file
        for name, file in matched.items()
        if name in exact or len(claims[file] - {()}) < 2
    }


def _parts(name):
    """Folders and file name of a path in the one spelling in which they are compared."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return [part for part in folded.replace("\\", "/").split("/") if part not in ("", ".", "..")]


def _only_file(parts, by_name, by_stem):
    for table in (by_name, by_stem):
        fitting = []
        for other, file in table.get(parts[-1], ()) if parts else ():
            shared = min(len(parts), len(other))
            if parts[-shared:] == other[-shared:]:
                fitting.append((shared, file))
        if fitting:
            most = max(shared for shared, _ in fitting)
            best = [file for shared, file in fitting if shared == most]
            return best[0] if len(best) == 1 else ""
    return ""


def shown(name: str) -> str:
    """Return a file name for a message, in quotation marks."""
    return repr(shown_name(name))
