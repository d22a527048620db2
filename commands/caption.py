"""The caption command: `caption photo.jpg holiday "2025/*.png" --output captions.html`."""

import argparse
import glob
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from commands.outputs import Captioned, check_free, open_outputs, readable_name
from utils.errors import CourseError
from utils.images import read_picture

# What is taken from a folder; a file that is named itself is always tried.
SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm"),
    *(".tif", ".tiff", ".webp"),
)
AT_ONCE = 64  # pictures captioned together, which bounds the memory
BAR_FROM = 20  # pictures
SMALL = (480, 480)  # pixels of a picture in grids and pages, at most


def main(arguments: Sequence[str] | None = None) -> None:
    """Caption the pictures that the command line, or else `CAPTION_PHOTOS`, names.

    Exit status: 0 if every picture was captioned, 1 if some could not be read, 2 if nothing was
    done, 130 if it was stopped.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what is done is kept
    parser = make_parser()
    options = parser.parse_args(arguments)
    names = options.pictures or from_environment()
    if not names:
        parser.error("name pictures, folders or patterns; from make: PHOTOS='a.jpg holiday'")
    paths = list(find_pictures(names))
    if not paths:
        parser.error("none of these names leads to a picture")
    try:
        check_free(options, paths)
        unread = caption_all(paths, options)
    except (CourseError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        print(f"caption: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(130)
    if unread:
        print(f"{len(unread)} of {len(paths)} could not be read:", file=sys.stderr)
        print(*(f"  {reason}" for reason in unread), sep="\n", file=sys.stderr)
    sys.exit(1 if unread else 0)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="caption",
        description="Write a caption for each picture.",
        epilog="Names that begin with a dash come after --.",
    )
    add = parser.add_argument
    add("pictures", nargs="*", help="files, folders (with all below them) and patterns")
    add("--captioner", default="pretrained", help="a run or a folder; by default the shipped one")
    add("--beam", type=_number, help="beam size, 1 is greedy search")
    add("--several", type=_number, help="how many captions a picture, with their probability")
    add("--consensus", action="store_true", help="let captions of similar train pictures choose")
    add("--output", metavar="FILE", help="captions.csv, .jsonl or .html instead of the screen")
    add("--grid", metavar="FILE", help="captions.jpg or .png: pages of captioned pictures")
    add("--overwrite", action="store_true", help="replace results of before")
    return parser


def _number(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"choose 1 or more, not {text!r}")
    return int(text)


def from_environment() -> list[str]:
    """Return the names in `CAPTION_PHOTOS`: one if it leads to a file, else cut as a shell does.

    make hands them over this way, so that no shell ever sees a file's name.
    """
    text = os.environ.get("CAPTION_PHOTOS", "")
    if os.path.lexists(text) or glob.glob(text, recursive=True):
        return [text]
    try:
        return shlex.split(text)
    except ValueError:  # a quotation mark that belongs to a name
        return text.split()


def find_pictures(names: Sequence[str]) -> Iterator[str]:
    """Yield the paths of pictures that names stand for, each once, in order.

    Args:
        names: Of files, of folders, or patterns with `*`, `?`, `[...]` and `**`. `~` at the
            beginning is the home folder, which no shell has put there if make was called.
    """
    seen = set()
    for name in names:
        name = name if os.path.lexists(name) else os.path.expanduser(name)
        matches = [name] if os.path.lexists(name) else sorted(glob.glob(name, recursive=True))
        for match in matches or [name]:
            for path in _below(match) if os.path.isdir(match) else [match]:
                if (real := os.path.realpath(path)) not in seen:
                    seen.add(real)
                    yield path


def _below(folder):
    closed = []  # folders that cannot be looked into, which reading them will say
    # Links to folders are not followed: they may lead in circles.
    for where, folders, files in os.walk(folder, onerror=lambda e: closed.append(e.filename)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(where, name)
            # A pipe would wait for somebody to write; a link that leads nowhere shall be told.
            usable = os.path.isfile(path) or not os.path.exists(path)
            if usable and not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield path
    yield from closed


def caption_all(paths: Sequence[str], options: argparse.Namespace) -> list[str]:
    """Caption pictures, some at a time, and hand them to the outputs.

    The outputs are opened when there is something to write: a result of before is still there if
    no picture can be read, the captioner's name is wrong, or somebody stops it early.

    Returns:
        A sentence for each picture that could not be read.

    Raises:
        CourseError: The captioner cannot be loaded.
    """
    unread: list[str] = []
    bar = tqdm(total=len(paths), unit=" pictures", disable=len(paths) < BAR_FROM)
    wants_small = bool(options.grid) or str(options.output).lower().endswith(".html")
    captioner, take, pictures = None, None, _readable(paths, unread, bar)
    with bar, ExitStack() as stack:
        while first := next(pictures, None):
            if captioner is None:
                from utils.captioner import load_captioner  # seconds, after a picture was found

                captioner = load_captioner(options.captioner)
            read: list[tuple[str, Any]] = []
            some = _noted(chain([first], islice(pictures, AT_ONCE - 1)), read, wants_small)
            found = captioner.caption(
                some, options.beam, options.several or 1, consensus=options.consensus
            )
            take = take or stack.enter_context(open_outputs(options, len(paths)))
            with tqdm.external_write_mode():  # else the first line stands behind the bar
                for (name, small), candidates in zip(read, found, strict=True):
                    take(Captioned(name, small, candidates))
    return unread


def _readable(paths, unread, bar):
    """Yield (name, picture) of the pictures that can be read; note why others cannot."""
    for path in paths:
        bar.update()
        try:
            yield path, read_picture(path)
        except CourseError as error:
            unread.append(readable_name(str(error)))


def _noted(pictures, read, wants_small):
    """Yield pictures one by one, so that few are in memory, and note names and small copies."""
    for name, picture in pictures:
        small = Image.fromarray(picture) if wants_small else None
        if small is not None:
            small.thumbnail(SMALL)
        read.append((name, small))
        yield picture


if __name__ == "__main__":
    main()
