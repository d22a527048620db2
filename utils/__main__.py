"""`make caption PHOTOS="a.jpg b.png"`: captions from the captioner that comes with the course."""

import sys
import time
from pathlib import Path

from utils.encoders import read_image
from utils.errors import CourseError


def main(paths):
    """Print a caption for every picture and save them all as a grid."""
    if not paths:
        sys.exit('Name the pictures: make caption PHOTOS="a.jpg b.png"')
    pictures = []
    for path in paths:
        try:
            read_image(path, 32)
            pictures.append(path)
        except CourseError as error:
            print(f"Skipped. {error}", file=sys.stderr)
    if not pictures:
        sys.exit("None of these is a picture.")

    from utils.captioner import load_captioner  # after the names were checked: it takes seconds
    from utils.plotting import save_figure, show_pictures

    captioner = load_captioner("pretrained")
    started = time.perf_counter()
    captions = captioner.caption(pictures)
    seconds = time.perf_counter() - started
    for path, caption in zip(pictures, captions, strict=True):
        print(f"{path}: {caption}")
    figure = show_pictures(pictures, captions, columns=min(4, len(pictures)))
    save_figure(figure, Path(), "captions")
    print(f"{len(pictures)} of {len(paths)} captioned in {seconds:.1f} s; as a grid: captions.png")


if __name__ == "__main__":
    main(sys.argv[1:])
