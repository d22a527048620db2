"""`make caption PHOTOS="a.jpg b.png"`: captions from the captioner that comes with the course."""

import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from utils.errors import CourseError
from utils.images import read_picture

SHOWN_SIZE = (640, 640)  # pixels of a picture in the grid, at most


def main(paths: list[str]) -> None:
    """Print a caption for every picture and save them all as a grid."""
    if not paths:
        sys.exit('Name the pictures: make caption PHOTOS="a.jpg b.png"')
    names: list[str] = []
    shown: list[Image.Image] = []
    pictures = _readable(paths, names, shown)
    first = next(pictures, None)
    if first is None:
        sys.exit("None of these is a picture.")

    from utils.captioner import load_captioner  # after a picture was found: it takes seconds
    from utils.plotting import save_figure, show_pictures

    captioner = load_captioner("pretrained")
    started = time.perf_counter()
    captions = captioner.caption(chain([first], pictures))
    seconds = time.perf_counter() - started
    for path, caption in zip(names, captions, strict=True):
        print(f"{path}: {caption}")
    figure = show_pictures(shown, captions, columns=min(4, len(shown)))
    save_figure(figure, Path(), "captions")
    print(f"{len(names)} of {len(paths)} captioned in {seconds:.1f} s; as a grid: captions.png")


def _readable(paths: list[str], names: list[str], shown: list[Image.Image]) -> Iterator[np.ndarray]:
    """Read each picture once: yield it for its caption, keep its name and a small copy."""
    for path in paths:
        try:
            picture = read_picture(path)
        except CourseError as error:
            print(f"Skipped. {error}", file=sys.stderr)
            continue
        names.append(path)
        shown.append(Image.fromarray(picture))
        shown[-1].thumbnail(SHOWN_SIZE)
        yield picture


if __name__ == "__main__":
    main(sys.argv[1:])
