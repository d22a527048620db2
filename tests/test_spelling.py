"""No word is misspelled: in pages, code, and the notebooks' cells (codespell)."""

import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
FOLDERS = [
    "benchmarks",
    "cnns",
    "commands",
    "data",
    "docs",
    "notebooks",
    "scenes",
    "tests",
    "utils",
]
# Words of the field and of other languages that look like slips.
MEANT = "rouge,bale,mane,caf,ein,hist,ue"


def texts():
    """Yield the name and text of everything that somebody reads."""
    yield from ((path, path.read_text("utf-8")) for path in ROOT.glob("*.md"))
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".md", ".py", ".j2") and "runs" not in path.parts:
                yield path, path.read_text("utf-8")
            elif path.suffix == ".ipynb" and "runs" not in path.parts:
                cells = nbformat.read(path, as_version=4).cells
                yield path, "\n".join(cell.source for cell in cells)


def slips(folder):
    command = [Path(sys.executable).parent / "codespell", f"--ignore-words-list={MEANT}", folder]
    return subprocess.run(command, capture_output=True, text=True).stdout


def test_every_word_is_spelled_right(tmp_path):
    for path, text in texts():
        name = str(path.relative_to(ROOT)).replace("/", "__")
        (tmp_path / f"{name}.txt").write_text(text, "utf-8")
    assert slips(tmp_path) == ""


def test_a_slip_is_found(tmp_path):
    (tmp_path / "page.txt").write_text("a picture that was rec" + "ieved", "utf-8")
    assert "received" in slips(tmp_path)
