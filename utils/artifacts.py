"""Files written whole or not at all, and their fingerprints."""

import errno
import glob
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from utils.errors import CourseError

LEFTOVER = re.compile(r"\..+\.(\d+)\.tmp(\.\w+)?")
CLOCKS_DIFFER = 60  # seconds: a process may seem to have started after it wrote a file
FULL = 2**16  # bytes; a disk with less room is full
TEXT_COLUMNS = {"image", "split", "caption", "sha256", "defect", "detail", "action"}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to, and rename it to `path` at the end.

    A reader never sees half a file, and what was there before stays if writing fails.
    The temporary name keeps the suffix of `path`, which Keras and NumPy look at, and says which
    process writes: what a killed one left of this file is removed.

    Raises:
        CourseError: The file cannot be written; the sentence says why.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, f".{glob.escape(path.stem)}.*.tmp{glob.escape(path.suffix)}")
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> CourseError:
    """Return the sentence that says why a file or folder could not be written."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    # NumPy and HDF5 say in words only that the disk is full.
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or shutil.disk_usage(there).free < FULL:
        return CourseError(f"The disk is full, so {path} was not written: make room and run again.")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return CourseError(
            f"{path} was not written, because {there} may only be read: allow writing there, or "
            "name another place (CAPTION_DATA moves all data and runs)."
        )
    return CourseError(f"{path} was not written ({error.strerror or error}): mend that and rerun.")


def remove_leftovers(folder: Path, pattern: str = "**/.*.tmp*") -> None:
    """Remove temporary files and folders whose process was killed.

    Args:
        folder: Where they lie, or in a folder below.
        pattern: Which of them, as `Path.glob` takes it.
    """
    for path in list(folder.glob(pattern)):
        found = LEFTOVER.fullmatch(path.name)
        # Somebody else may be tidying up at the same time, or own the file.
        with suppress(OSError):
            if found and not _is_writing(int(found[1]), path.stat().st_mtime):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_writing(process, last_written):
    """Tell whether the process lives that wrote something then, not one that got its number."""
    try:
        return psutil.Process(process).create_time() <= last_written + CLOCKS_DIFFER
    except psutil.NoSuchProcess:
        return False


def fingerprint(path: str | Path) -> str:
    """Return the SHA-256 of a file as a hexadecimal string."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Fingerprints:
    """Fingerprints of files, remembered for as long as size and time stamp stay what they are.

    Args:
        path: The JSON file in which they are kept from one program to the next. It is only a
            memory: damaged or gone, it costs time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, list] = {}
        with suppress(OSError, ValueError, TypeError):
            self.known = dict(json.loads(path.read_text("utf-8")))
        self.changed = False

    def of(self, path: Path) -> str:
        """Return the SHA-256 of a file, worked out only if the file is not the one known."""
        status = os.stat(path)
        stamp = [status.st_size, status.st_mtime_ns]
        entry = self.known.get(str(path))
        if entry is None or entry[:2] != stamp:
            entry = self.known[str(path)] = [*stamp, fingerprint(path)]
            self.changed = True
        return entry[2]

    def keep(self) -> None:
        """Write down what is known, where that is possible."""
        if self.changed:
            with suppress(CourseError):
                write_json(self.path, self.known)
                self.changed = False


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def save_array(path: str | Path, array: np.ndarray) -> None:
    """Write a NumPy array as `.npy`, atomically."""
    with atomic_path(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def save_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a pandas DataFrame as CSV without its index, atomically."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def manifest_path(path: str | Path) -> Path:
    """Return where the manifest of a file lies: `features.npy` has `features.json`.

    A `.json` file has `<stem>.manifest.json`, because its own name is taken.
    """
    path = Path(path)
    return path.with_suffix(".manifest.json" if path.suffix == ".json" else ".json")


def write_content(path: Path, content: Any) -> None:
    """Write a table, an array, a Keras model or JSON, as the suffix of `path` says, atomically.

    Where the content is the path of a file, that file is renamed.
    """
    if isinstance(content, Path):
        os.replace(content, path)
    elif path.suffix == ".csv":
        save_table(path, content)
    elif path.suffix == ".npy":
        save_array(path, content)
    elif path.suffix == ".keras":
        with atomic_path(path) as temporary:
            content.save(temporary)
    else:
        write_json(path, content)


def read_content(path: Path) -> Any:
    """Read a table, an array or JSON; an array stays on disk until its rows are used."""
    if path.suffix == ".csv":
        columns = pd.read_csv(path, nrows=0).columns
        # Everything that people wrote stays text: a caption "null", a picture called 000025.
        text = {name: str for name in columns if name in TEXT_COLUMNS}
        blanks = {name: [""] for name in columns if name not in TEXT_COLUMNS}
        return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=blanks)
    if path.suffix == ".npy":
        return np.load(path, mmap_mode="r", allow_pickle=False)
    return json.loads(path.read_text("utf-8"))
