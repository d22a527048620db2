"""Where captions go: the screen, a table, a web page, grids of pictures."""

import argparse
import base64
import csv
import glob
import html
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils.errors import CourseError, shown_name
from utils.vocabulary import join_characters

PER_PAGE, COLUMNS = 24, 4  # pictures of a grid
GRIDS = (".jpg", ".jpeg", ".png")


class Captioned(NamedTuple):
    """A picture's name, a small copy of it (or None) and its captions, the best first."""

    name: str
    small: Any
    candidates: Sequence[Any]


Take = Callable[[Captioned], None]


def readable_name(name: str) -> str:
    """Return a name on one line: line feeds and bytes that are no text stand escaped."""
    text = shown_name(name)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def pages_of(grid: str, count: int) -> list[Path]:
    """Return the names of the pages of a grid of so many pictures: one keeps its name."""
    path, pages = Path(grid), -(-count // PER_PAGE)
    if pages < 2:
        return [path]
    return [path.with_name(f"{path.stem}-{n}{path.suffix}") for n in range(1, pages + 1)]


def check_free(options: argparse.Namespace, pictures: Sequence[str]) -> None:
    """Refuse names of results that would hurt something, before anything is done.

    Args:
        options: output, grid and overwrite.
        pictures: Paths of what is to be captioned.

    Raises:
        CourseError: A name has a suffix that nothing is written as, is that of a picture to be
            captioned or of a folder, or belongs to a result of before without `--overwrite`.
    """
    paths: list[Path] = []
    for option, target, known in (
        ("--output", options.output, tuple(WRITERS)),
        ("--grid", options.grid, GRIDS),
    ):
        if target and Path(target).suffix.lower() not in known:
            raise CourseError(
                f"{option} ends in one of {', '.join(known)}; got {readable_name(target)}."
            )
        if target:
            paths += pages_of(target, len(pictures)) if known == GRIDS else [Path(target)]
    read = {os.path.realpath(path) for path in pictures}
    for path in paths:
        name = readable_name(str(path))
        if os.path.realpath(path) in read:
            raise CourseError(f"{name} is one of the pictures: name another result.")
        if path.is_dir():
            raise CourseError(f"{name} is a folder: name a file.")
        if path.exists() and not options.overwrite:
            raise CourseError(f"{name} is there already: name another file, or add --overwrite.")


@contextmanager
def open_outputs(options: argparse.Namespace, count: int) -> Iterator[Take]:
    """Give a function that takes what was captioned and writes it where the options say.

    Results appear under their names when the block ends, also if it ends early.

    Args:
        options: output, grid and several.
        count: Pictures at most, for the number of pages.
    """
    with ExitStack() as stack:
        if options.output:
            writer = WRITERS[Path(options.output).suffix.lower()]
            file = stack.enter_context(_kept(Path(options.output)))
            takes = [stack.enter_context(writer(file, options.several))]
        else:
            takes = [_show(options.several)]
        if options.grid:
            takes.append(stack.enter_context(_grid(pages_of(options.grid, count))))

        def take(captioned):
            said = [c._replace(caption=join_characters(c.caption)) for c in captioned.candidates]
            captioned = captioned._replace(candidates=said)
            for each in takes:
                each(captioned)

        try:
            yield take
        except KeyboardInterrupt:
            targets = [readable_name(name) for name in (options.output, options.grid) if name]
            if targets:
                done = f"What is done so far is kept: {', '.join(targets)}."
                print(f"\n{done}", file=sys.stderr, end="")
            raise


@contextmanager
def _kept(path):
    """Open a text file that gets its name at the end, however the end comes."""
    from utils.artifacts import cannot_write, remove_leftovers  # half a second, later than --help

    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, f".{glob.escape(path.name)}.*.tmp")
        # A name that is no UTF-8 stands escaped in it.
        with open(temporary, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
    except BrokenPipeError:
        raise  # what is shown besides is read no further; the file has nothing to do with it
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if temporary.exists():
            os.replace(temporary, path)


def _show(several):
    def take(captioned):
        name = readable_name(captioned.name)
        marked = [f"{'unsure: ' * each.unsure}{each.caption}" for each in captioned.candidates]
        if several is None:
            print(f"{name}: {marked[0]}")
            return
        print(name)
        for candidate, text in zip(captioned.candidates, marked, strict=True):
            print(f"  {np.exp(candidate.log_probability):7.2%}  {text}")

    return take


def _rows(captioned, several):
    """What tables say of a picture: a dict per caption."""
    for rank, candidate in enumerate(captioned.candidates, 1):
        row = {"image": captioned.name, "rank": rank, "caption": candidate.caption}
        row["log_probability"] = round(candidate.log_probability, 4)
        row["asked"], sure = candidate.asked, candidate.confidence
        row["confidence"] = None if sure is None else round(sure, 2)
        yield {name: row[name] for name in _columns(several)}


def _columns(several):
    if several is None:
        return ["image", "caption", "asked", "confidence"]
    return ["image", "rank", "caption", "log_probability", "asked", "confidence"]


@contextmanager
def _csv(file, several):
    table = csv.DictWriter(file, _columns(several))
    table.writeheader()
    yield lambda captioned: table.writerows(_rows(captioned, several))


@contextmanager
def _jsonl(file, several):
    def take(captioned):
        for row in _rows(captioned, several):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    yield take


@contextmanager
def _html(file, several):
    """One page that needs nothing beside it: the pictures are in it, small."""
    file.write(
        '<!doctype html><meta charset="utf-8"><title>Captions</title>\n<style>'
        "body{font:15px/1.4 sans-serif;color:#23313f;margin:2em;display:grid;gap:1.5em;"
        "grid-template-columns:repeat(auto-fill,minmax(240px,1fr))}figure{margin:0}"
        "img{width:100%;border-radius:4px}small{color:#66727d;overflow-wrap:anywhere}</style>\n"
    )

    def take(captioned):
        content = io.BytesIO()
        captioned.small.save(content, "jpeg", quality=80)
        data = base64.b64encode(content.getvalue()).decode()
        lines = []
        for candidate in captioned.candidates:
            sure = f" <small>{np.exp(candidate.log_probability):.2%}</small>"
            mark = "<small>unsure:</small> " * candidate.unsure
            lines.append(mark + html.escape(candidate.caption) + ("" if several is None else sure))
        name = html.escape(readable_name(captioned.name))
        file.write(
            f'<figure><img alt="" src="data:image/jpeg;base64,{data}"><figcaption dir="auto">'
            f"{'<br>'.join(lines)}<br><small>{name}</small></figcaption></figure>\n"
        )

    yield take


WRITERS = {".csv": _csv, ".jsonl": _jsonl, ".html": _html}


@contextmanager
def _grid(pages):
    """Draw a page whenever there are pictures enough for one, and the rest at the end."""
    waiting, left = [], iter(pages)

    def draw():
        import matplotlib.pyplot as plt  # seconds of loading, needless without a grid

        from utils.artifacts import atomic_path
        from utils.plotting import show_pictures

        names = [_shortened(readable_name(Path(each.name).name)) for each in waiting]
        best = [each.candidates[0] for each in waiting]
        captions, notes = [each.caption for each in best], ["unsure" * each.unsure for each in best]
        smalls = [each.small for each in waiting]
        columns = min(COLUMNS, len(smalls))
        # A dollar sign in a name is no formula.
        with plt.rc_context({"text.parse_math": False}):
            figure = show_pictures(smalls, captions, columns, marks=names, notes=notes)
            with atomic_path(next(left)) as temporary:
                figure.savefig(temporary, dpi=100)
        plt.close(figure)
        waiting.clear()

    def take(captioned):
        waiting.append(captioned)
        if len(waiting) == PER_PAGE:
            draw()

    try:
        yield take
    finally:
        if waiting:
            draw()


def _shortened(name, most=34):
    half = most // 2 - 1
    return name if len(name) <= most else f"{name[:half]} … {name[-half:]}"
