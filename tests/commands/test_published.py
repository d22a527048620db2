"""Notebooks that were edited are named before they run."""

import subprocess

import nbformat
import pytest

from commands.published import edited_notebooks

STEPS = ("01_data", "02_features")


def write(folder, step, *code, note="a note"):
    cells = [nbformat.v4.new_markdown_cell(note), *map(nbformat.v4.new_code_cell, code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{step}.ipynb")


def git(folder, *arguments):
    who = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def notebooks(tmp_path):
    folder = tmp_path / "course" / "notebooks"
    folder.mkdir(parents=True)
    for step in STEPS:
        write(folder, step, "x = 1", "y = 2")
    git(tmp_path, "init")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-m", "published")
    return folder


def test_published_notebooks_need_no_word(notebooks):
    assert edited_notebooks(notebooks, STEPS) == ""
    write(notebooks, STEPS[0], "x = 1\n", "", "y = 2", note="a note of mine")
    assert edited_notebooks(notebooks, STEPS) == ""


@pytest.mark.parametrize("code", [("x = 3", "y = 2"), ("x = 1",), ("x = 1", "y = 2", "z = 3")])
def test_edited_ones_are_named_and_nothing_is_lost(notebooks, code):
    write(notebooks, STEPS[1], *code)
    yours = (notebooks / f"{STEPS[1]}.ipynb").read_text()
    told = edited_notebooks(notebooks, STEPS)
    assert "run as they are: 02_features. " in told and "\n" not in told
    assert "git stash push notebooks" in told
    git(notebooks.parent, "stash", "push", "notebooks")
    assert edited_notebooks(notebooks, STEPS) == ""
    git(notebooks.parent, "stash", "pop")
    assert (notebooks / f"{STEPS[1]}.ipynb").read_text() == yours


def test_without_git_nothing_can_be_said(notebooks, tmp_path, monkeypatch):
    write(notebooks, STEPS[0], "x = 3")
    (tmp_path / ".git").rename(tmp_path / "gone")
    assert edited_notebooks(notebooks, STEPS) == ""
    (tmp_path / "gone").rename(tmp_path / ".git")
    monkeypatch.setenv("PATH", "/nowhere")
    assert edited_notebooks(notebooks, STEPS) == ""
