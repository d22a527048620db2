"""Sample sheet: python -m scenes --count 12 --out grid.png"""

import argparse

import cv2
import numpy as np

from scenes import make_scene


def main() -> None:
    """Draw some random scenes side by side into one picture file and print their captions."""
    parser = argparse.ArgumentParser(prog="python -m scenes", description=__doc__)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", default="grid.png")
    arguments = parser.parse_args()
    columns = min(arguments.count, 6)
    tiles = []
    for index in range(1, arguments.count + 1):
        picture, captions, _ = make_scene(arguments.seed, index)
        tiles.append(picture)
        print(index, *captions, sep="\n  ")
    while len(tiles) % columns:
        tiles.append(np.full_like(tiles[0], 255))
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    cv2.imwrite(arguments.out, np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
