"""Features of many pictures into one file, block by block, so that nothing is done twice.

Blocks are appended to a part file. (A memory map of the whole would be as small in memory; but
where the disk is full, writing to one kills the process, and appending raises an error.)
"""

import hashlib
import io
import itertools
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from utils.artifacts import cannot_write
from utils.encoders.features import extract_views
from utils.encoders.registry import encoder_info
from utils.locks import locked

BLOCK = 512  # pictures: a few seconds' work, all that is lost when the process is killed


def write_views(
    path: Path, pictures: Sequence[Any], encoders: Any, mirrored: bool, made_from: str
) -> tuple[Path, float]:
    """Write every view of all pictures to a part file, and go on with one that is there.

    Killed at any moment, the next call goes on after the last whole block and writes the very same
    file. A part file of other pictures or encoders is removed.

    Args:
        path: Where the file shall lie in the end, `features.npy`; the part file lies beside it.
        pictures: P pictures of any kind that `utils.images.read_picture` takes.
        encoders: A model made by `build_encoder`, or a list of several, whose features are joined.
        mirrored: Whether to look at the mirror image of every picture too.
        made_from: What tells these pictures from others: the fingerprint of their list.

    Returns:
        The part file, now whole: float16 [P, V, D] in NumPy's format, as `extract_views` yields
        them; and the seconds that all pictures take, at the pace of those looked at now.

    Raises:
        CourseError: A picture is missing or damaged, the disk is full, or another process
            extracts features there. What is done so far is kept.

    Taught in notebook 02.
    """
    encoders = encoders if isinstance(encoders, list) else [encoders]
    infos = [encoder_info(encoder.name) for encoder in encoders]
    shape = (len(pictures), 1 + mirrored, sum(info.feature_size for info in infos))
    mark = repr((made_from, [info.name for info in infos], shape))
    part = path.with_suffix(f".{hashlib.sha256(mark.encode()).hexdigest()[:8]}.part")
    # Blocks begin where batches begin: the sums of a CNN depend a little on who is in the batch.
    batch = max(info.batch_size for info in infos)
    doing, refuse = f"extracts the features of {path.parent.name}", "wait until it is done"
    with locked(path.with_name(f".{path.stem}.lock"), doing, refuse):
        for other in path.parent.glob(f"{path.stem}.*.part"):
            if other != part:
                other.unlink()
        with _open_part(part, shape, batch * max(1, BLOCK // batch)) as (file, done):
            if done:
                print(f"Going on after {done:,} of {len(pictures):,} pictures.")
            started = time.perf_counter()
            views = extract_views(pictures[done:], encoders, mirrored)
            for block in _joined(views, max(1, BLOCK // batch)):
                file.write(block.astype(np.float16).tobytes())
                file.flush()
                os.fsync(file.fileno())
            seconds = time.perf_counter() - started
    return part, seconds * len(pictures) / max(1, len(pictures) - done)


def _joined(batches: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    while some := list(itertools.islice(batches, count)):
        yield np.concatenate(some)


@contextmanager
def _open_part(path, shape, step):
    """Open a part file after its last whole block; yield it and the pictures that it has."""
    head = io.BytesIO()
    described = {"descr": "<f2", "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(head, described)
    header, row = head.getvalue(), 2 * math.prod(shape[1:])
    try:
        with open(path, "r+b" if path.exists() else "w+b") as file:
            done = 0
            if file.read(len(header)) == header:
                # Never all: the last block is done again, whose pace says how long all take.
                there = min((path.stat().st_size - len(header)) // row, shape[0] - 1)
                done = max(0, there) // step * step
            file.seek(0)
            file.write(header)
            file.truncate(len(header) + done * row)
            file.seek(0, os.SEEK_END)
            yield file, done
    except OSError as error:
        raise cannot_write(path, error) from error
