"""Files of a run: written whole or not at all, each with a manifest that says what made it."""

import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from utils.errors import CourseError

# Which notebook writes which artifact; the error messages send the reader there.
MADE_BY = {
    "captions.csv": "01_data_cleaning",
    "pictures.csv": "01_data_cleaning",
    "features.npy": "02_feature_extraction",
    "vocabulary.json": "03_tokenization",
    "tokens.npy": "03_tokenization",
    "model.keras": "05_training",
    "history.csv": "05_training",
    "predictions.csv": "06_evaluation",
    "metrics.json": "06_evaluation",
    "model_self_critical.keras": "07_self_critical_training",
    "history_self_critical.csv": "07_self_critical_training",
    "predictions_self_critical.csv": "07_self_critical_training",
    "metrics_self_critical.json": "07_self_critical_training",
}


@contextmanager
def atomic_path(path):
    """Give a temporary name beside `path` to write to, and rename it to `path` at the end.

    A reader never sees half a file, and what was there before stays if writing fails.
    The temporary name keeps the suffix of `path`, which Keras and NumPy look at.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def fingerprint(path):
    """Return the SHA-256 of a file as a hexadecimal string."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path, content):
    """Write `content` as indented JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def save_array(path, array):
    """Write a NumPy array as `.npy`, atomically."""
    with atomic_path(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def save_table(path, table):
    """Write a pandas DataFrame as CSV without its index, atomically."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def manifest_path(path):
    """Return where the manifest of an artifact lies: `features.npy` has `features.json`.

    A `.json` artifact has `<stem>.manifest.json`, because its own name is taken.
    """
    path = Path(path)
    return path.with_suffix(".manifest.json" if path.suffix == ".json" else ".json")


def write_manifest(path, inputs=(), **details):
    """Write the manifest of the artifact at `path`.

    Args:
        path: The artifact, already written.
        inputs: Paths of the artifacts of the same run folder it was made from.
        **details: What else determined the content, JSON-serializable.
    """
    path = Path(path)
    manifest = {
        "artifact": path.name,
        "made_by": MADE_BY[path.name],
        "sha256": fingerprint(path),
        "inputs": {Path(item).name: fingerprint(item) for item in inputs},
        **details,
    }
    write_json(manifest_path(path), manifest)


def require(path):
    """Return `path` if the artifact there is complete and still matches its inputs.

    Raises:
        CourseError: The artifact or its manifest is missing, it was changed since, or one of
            its inputs was made anew since; the sentence names the notebook to run.
    """
    path = Path(path)
    notebook = MADE_BY[path.name]
    if not path.exists() or not manifest_path(path).exists():
        raise CourseError(f"{path.name} is missing in {path.parent.name}: run {notebook}.ipynb.")
    manifest = json.loads(manifest_path(path).read_text("utf-8"))
    if manifest["sha256"] != fingerprint(path):
        raise CourseError(f"{path.name} was changed after it was made: rerun {notebook}.ipynb.")
    for name, recorded in manifest["inputs"].items():
        source = path.parent / name
        if not source.exists():
            raise CourseError(
                f"{name} is missing in {path.parent.name}: run {MADE_BY[name]}.ipynb."
            )
        if fingerprint(source) != recorded:
            raise CourseError(f"{path.name} was made from another {name}: rerun {notebook}.ipynb.")
    return path
