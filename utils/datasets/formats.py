"""The forms in which captioned data sets are shared: one small reader each (notebook 01)."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path, PurePosixPath

import pandas as pd

from utils.datasets.splits import ALIASES
from utils.datasets.tables import CAPTION_COLUMNS, IMAGE_COLUMNS, read_captions, read_text
from utils.errors import CourseError


@dataclass(frozen=True)
class Captions:
    """What the text files of a data set say, names of pictures as they stand there.

    Attributes:
        form: What the data set was taken for.
        sources: The files that were read.
        table: DataFrame (image, caption).
        splits: From picture to split, where the form itself says so; else empty.
    """

    form: str
    sources: tuple[Path, ...]
    table: pd.DataFrame
    splits: dict[str, str] = field(default_factory=dict)


def _read_table(paths, folder, files):
    table, told = read_captions(paths[0])
    return Captions(f"a table of captions ({told})", (paths[0],), table)


def _read_token(paths, folder, files):
    # No CSV: a quotation mark is a part of the caption.
    table, told = read_captions(paths[0], quoted=False)
    return Captions(f"a token file ({told})", (paths[0],), table)


def _read_metadata(paths, folder, files):
    """Read `metadata.csv` or `metadata.jsonl`; one caption is a text, several are a list."""
    rows = []
    for path in paths:
        if path.suffix.lower() == ".jsonl":
            read = _json_rows(path)
        else:
            read = read_captions(path)[0].itertuples(index=False, name=None)
        inside = path.parent.relative_to(folder)
        for name, said in read:
            name = name if inside == Path() else f"{inside.as_posix()}/{name}"
            rows += [(name, text) for text in _texts(said)]
    splits = {}
    for name, _ in rows:
        folders = PurePosixPath(name.replace("\\", "/")).parts[:-1]
        if known := [ALIASES[part.lower()] for part in folders if part.lower() in ALIASES]:
            splits[name] = known[0]
    return Captions("an image folder with metadata", tuple(paths), _as_table(rows), splits)


def _json_rows(path):
    for number, line in enumerate(read_text(path)[0].split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = {key.lower(): value for key, value in json.loads(line).items()}
            name = next(row[key] for key in row if key in IMAGE_COLUMNS)
            said = next(row[key] for key in row if key in CAPTION_COLUMNS)
            if isinstance(said, dict):
                raise ValueError("a caption is a text or a list of texts")
            yield str(name), said
        except (ValueError, AttributeError, StopIteration) as error:
            raise CourseError(
                f"Line {number} of {path} is not understood: each line must hold one JSON object "
                "with file_name and text (or caption)."
            ) from error


def _texts(said):
    """Return the captions of one cell: a list, a list written as text, or a single one."""
    if isinstance(said, str) and said.lstrip().startswith("["):
        try:
            read = json.loads(said)
        except ValueError:
            read = said  # a caption that begins with a bracket
        said = read if isinstance(read, list) else said
    return [_text(item) for item in said] if isinstance(said, list) else [_text(said)]


def _text(value):
    return "" if value is None else str(value)


def _as_table(rows):
    return pd.DataFrame(rows, columns=["image", "caption"], dtype=str)


def _read_json(paths, folder, files):
    """Read Karpathy's `dataset_*.json` or COCO's `captions_*.json`, told apart by what is in it."""
    contents = {path: _load(path) for path in paths}
    karpathy = [path for path in paths if _is_karpathy(contents[path])]
    if karpathy:  # his archive holds three data sets: the one whose pictures lie here
        last = {PurePosixPath(file).name for file in files}
        path = max(karpathy, key=lambda path: len(last & set(_filenames(contents[path]))))
        return _guarded(_read_karpathy, path, contents[path])
    coco = {path: content for path, content in contents.items() if _is_coco(content)}
    if not coco:
        raise CourseError(
            f"{paths[0]} holds no captions that are known here: Karpathy's files have images with "
            "sentences, COCO's have images and annotations with captions."
        )
    read = [_guarded(_read_coco, path, content, files) for path, content in coco.items()]
    rows, splits = chain.from_iterable(rows for rows, _ in read), {}
    for _, part in read:
        splits |= part
    return Captions("COCO captions", tuple(coco), _as_table(rows), splits)


def _guarded(reader, path, *arguments):
    try:
        return reader(path, *arguments)
    except (KeyError, TypeError, AttributeError) as error:
        found = f"lacks {error}" if isinstance(error, KeyError) else "is laid out otherwise"
        raise CourseError(
            f"{path} {found}: see data/README.md for what images and captions must hold."
        ) from error


def _load(path):
    try:
        return json.loads(read_text(path)[0])
    except (ValueError, RecursionError) as error:
        raise CourseError(f"{path} is damaged, it is no JSON: {error}.") from error


def _first(content, key):
    items = content.get(key) if isinstance(content, dict) else None
    return items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}


def _is_karpathy(content):
    return "sentences" in _first(content, "images")


def _is_coco(content):
    return "caption" in _first(content, "annotations") and "images" in content


def _filenames(content):
    return (str(image.get("filename")) for image in content["images"] if isinstance(image, dict))


def _read_karpathy(path, content):
    """Karpathy and Fei-Fei, "Deep Visual-Semantic Alignments", CVPR 2015, published the splits."""
    rows, splits = [], {}
    for image in content["images"]:
        name = str(image["filename"])
        if image.get("filepath"):
            name = f"{image['filepath']}/{name}"
        split = image.get("split", "")
        if split:
            if split not in ALIASES:
                raise CourseError(
                    f"{path} names the split {split!r}: known are train, restval, val and test."
                )
            splits[name] = ALIASES[split]
        rows += [(name, _text(sentence["raw"])) for sentence in image["sentences"]]
    return Captions("Karpathy's splits", (path,), _as_table(rows), splits)


def _read_coco(path, content, files):
    """Chen et al., "Microsoft COCO Captions", arXiv:1504.00325, describe the file."""
    # captions_train2017.json: its pictures may lie in a folder called train2017.
    part = path.stem.lower().removeprefix("captions").strip("_-")
    folder = next((f"{name}/" for name in _top_folders(files) if part and name.lower() == part), "")
    names = {image["id"]: folder + str(image["file_name"]) for image in content["images"]}
    split = next((ALIASES[key] for key in ("train", "val", "test", "dev") if key in part), "")
    rows = [(names[item["image_id"]], _text(item["caption"])) for item in content["annotations"]]
    return rows, dict.fromkeys(names.values(), split) if split else {}


def _top_folders(files: Iterable[str]) -> list[str]:
    return sorted({parent for file in files for parent in Path(file).parts[:-1]})


@dataclass(frozen=True)
class Form:
    """A form of data set: the files it is recognised by, the first pattern that fits wins."""

    patterns: tuple[str, ...]
    read: Callable[[list[Path], Path, Collection[str]], Captions]
    content: Callable[[Path], bool] | None = None  # a further condition on what is in the file


def _has_header(path):
    try:
        return "no header" not in read_captions(path)[1]
    except CourseError:
        return False


def _has_captions(path):
    try:
        content = _load(path)
    except CourseError:
        return False
    return _is_karpathy(content) or _is_coco(content)


# The first that fits is read; others that are known by their names are named. All in lower case.
FORMS = (
    Form(("captions.txt", "captions.csv", "captions.tsv"), _read_table),
    Form(("*.token.txt", "results_*.token", "*.token"), _read_token),
    Form(("results.csv", "results_*.csv"), _read_table),
    Form(("metadata.jsonl", "metadata.csv", "*/metadata.jsonl", "*/metadata.csv"), _read_metadata),
    Form(("dataset.json", "dataset_*.json"), _read_json),
    Form(("captions*.json", "annotations/captions*.json"), _read_json),
    Form(("*.csv", "*.tsv", "*.txt"), _read_table, _has_header),
    Form(("*.json", "annotations/*.json"), _read_json, _has_captions),
)
NOT_CAPTIONS = ("splits.csv", "*lemma*", "readme*", "instances*.json", "person_*.json", ".*")
EXPECTED = (
    "captions.txt, results.csv or *.token of Flickr30k, metadata.csv or metadata.jsonl, "
    "Karpathy's dataset_*.json, or COCO's captions_*.json"
)


def find_form(folder: Path) -> tuple[Form, list[Path], list[str]] | None:
    """Recognise a data set by the files that lie in its folder.

    Returns:
        The form, its files, and the names of files of further forms, which are not read; None
        where no form fits.
    """
    there = [path for path in chain(folder.glob("*"), folder.glob("*/metadata.*")) if _file(path)]
    there += [path for path in folder.glob("[Aa]nnotations/*.json") if _file(path)]
    names = {path: path.relative_to(folder).as_posix().lower() for path in sorted(there)}
    found: list[tuple[Form, list[Path]]] = []
    for form in FORMS:
        # What only its content would tell is opened only where no name has told.
        if form.content and found:
            break
        for pattern in form.patterns:
            paths = [path for path, name in names.items() if _fits(name, pattern)]
            if form.content:
                paths = [path for path in paths if form.content(path)]
            if paths:
                found.append((form, paths))
                break
    if not found:
        return None
    (form, paths), *others = found
    return form, paths, [path.name for _, further in others for path in further]


def _file(path):
    return path.is_file() and not any(fnmatch(path.name.lower(), name) for name in NOT_CAPTIONS)


def _fits(name, pattern):
    return name.count("/") == pattern.count("/") and fnmatch(name, pattern)


def describe_folder(folder: Path) -> str:
    """Return what lies in a folder, for a message: some names and how many more."""
    names = sorted(path.name for path in folder.glob("[!.]*"))
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more if names else "nothing"
