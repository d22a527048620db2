"""The pages for readers say what is there: links, files, targets, tables, versions, pins."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from utils.files import FILES

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", "benchmarks/README.md")
FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|ipynb|png|toml|csv))`")
FOLDER = re.compile(r"`((?:[\w.-]+/)+)`")
MADE = ("data/runs/",)  # on each machine, not in the repository


def read(name):
    return (ROOT / name).read_text("utf-8")


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def cells_of(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def part(name, heading):
    """The part of a page below a heading, up to the next one."""
    return re.split(r"^## ", read(name).split(f"## {heading}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", read(page)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path.read_text("utf-8")), target


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_are_there(page):
    named = FILE.findall(read(page))
    named += [name for name in FOLDER.findall(read(page)) if (ROOT / name.split("/")[0]).is_dir()]
    missing = [name for name in named if name not in MADE and not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_make_knows_the_targets_that_are_named(page):
    named = re.findall(r"(?:`|^    )make ([a-z-]+)", read(page), re.MULTILINE)
    targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
    if page == "CHANGELOG.md":
        named.remove("climb")  # its name in 1.0.0
    assert set(named) <= set(targets)
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)).split()
    assert sorted(phony) == sorted(targets)


def test_the_readme_shows_every_notebook_and_every_module():
    page = read("README.md")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"(notebooks/{path.name})" in page
    rows = [cells_of(line) for line in part("README.md", "How it is built").splitlines()]
    shown = {name for row in rows if len(row) == 3 for name in re.findall(r"`(\w+)`", row[1])}
    there = {path.stem for path in (ROOT / "utils").iterdir() if path.suffix == ".py"}
    there |= {path.parent.name for path in (ROOT / "utils").glob("*/__init__.py")}
    assert shown == there - {"__init__"}


def test_the_short_results_are_rows_of_the_long_table():
    long = [cells_of(line) for line in read("benchmarks/README.md").splitlines()]
    measured = {tuple(cells[2:8]) for cells in long if len(cells) > 7 and cells[1] != "greedy"}
    short = [cells_of(line) for line in part("README.md", "Results").splitlines()]
    short = [cells for cells in short if len(cells) == 7][2:]
    assert len(short) > 5
    for cells in short:
        assert tuple(cells[1:]) in measured, cells[0]


def test_the_files_of_a_run_are_those_of_the_table():
    rows = [cells_of(line) for line in part("data/README.md", "The folder of a run").splitlines()]
    shown = {}
    for name, notebook, made_from, _ in (row for row in rows if len(row) == 4):
        if name.startswith("`"):
            shown[name.strip("`")] = notebook, tuple(re.findall(r"`([^`]+)`", made_from))
    assert shown == {name: (made.notebook[:2], made.made_from) for name, made in FILES.items()}


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("benchmarks/README.md", "results"),
        ("benchmarks/README.md", "differences"),
        ("benchmarks/README.md", "variety"),
        ("benchmarks/README.md", "costs"),
        ("benchmarks/README.md", "ablation"),
        ("benchmarks/README.md", "judgements"),
        ("README.md", "short results"),
    ],
)
def test_programs_find_their_place_in_the_pages(page, name):
    text = read(page)
    assert text.count(f"<!-- {name} -->") == text.count(f"<!-- end of {name} -->") == 1


def test_the_citation_is_whole_and_of_this_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    for key in ("message", "title", "authors", "version", "date-released", "license"):
        assert citation[key], key
    assert all(author.get("name") for author in citation["authors"])
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    latest, date = re.search(r"^## \[(.+)\] - (.+)$", read("CHANGELOG.md"), re.MULTILINE).groups()
    assert citation["version"] == latest == version
    assert str(citation["date-released"]) == date


def test_every_package_that_is_imported_has_an_exact_pin():
    lines = [line for line in read("requirements.txt").splitlines() if line and line[0] not in "#-"]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    pinned = {line.split("==")[0].lower() for line in lines}
    folders = ("utils", "scenes", "cnns", "commands", "benchmarks", "tests")
    ours = {path.stem for folder in folders for path in (ROOT / folder).rglob("*.py")} | {*folders}
    imported = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    distributions = packages_distributions()
    for name in imported - ours - set(sys.stdlib_module_names):
        assert {found.lower() for found in distributions[name]} & pinned, name
