"""Which notebooks are no longer the published ones: an exercise solved in one shapes every run."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import nbformat


def edited_notebooks(folder: Path, steps: Sequence[str]) -> str:
    """Say which notebooks compute something else than the published ones, which Git keeps.

    Args:
        folder: Of the notebooks.
        steps: Their names without `.ipynb`.

    Returns:
        One line that names them and says how to get the published ones back. Empty if all are as
        published; notes and outputs may differ. Empty, too, where Git does not know them.
    """
    edited = [step for step in steps if _is_edited(folder, f"{step}.ipynb")]
    if not edited:
        return ""
    return (
        f"Not as published, and run as they are: {', '.join(edited)}. For the published ones: "
        "git stash push notebooks (git stash pop brings yours back)."
    )


def _is_edited(folder, name):
    command = ["git", "show", f"HEAD:./{name}"]
    try:
        published = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no Git, or a copy that it does not know
        return False
    return _code(published.decode()) != _code((folder / name).read_text("utf-8"))


def _code(text):
    """The code of a notebook, cell by cell, without empty cells and blanks at the ends."""
    cells = nbformat.reads(text, as_version=4).cells
    code = [cell.source.strip() for cell in cells if cell.cell_type == "code"]
    return [source for source in code if source]
