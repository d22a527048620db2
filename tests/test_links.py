"""Every relative link of the pages and notebooks leads to a file."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *(page for folder in ("data", "benchmarks", "docs") for page in (ROOT / folder).glob("*.md")),
    *(ROOT / "notebooks").rglob("*.ipynb"),
]
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def prose(page: Path) -> str:
    """The text of a page; of a notebook, its markdown cells."""
    if page.suffix == ".md":
        return page.read_text(encoding="utf-8")
    cells = nbformat.read(page, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    links = [link for link in LINK.findall(prose(page)) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
