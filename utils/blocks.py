"""Features of whole data sets, a block of rows at a time: 123,287 pictures in a small memory."""

from collections.abc import Iterator

import numpy as np

BLOCK = 2048  # rows at once: 32 MB in float32 for two views of 2,048 numbers


def blocks(count: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices of at most `size` that cover `count` rows in order."""
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))


def mean_of_views(views: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return what captions are made from: the mean of a picture's views.

    Args:
        views: float [P, V, D], in memory or on disk.
        rows: int [N], which pictures; by default all.

    Returns:
        [N, D] in the float type of `views`; the sums are taken in float32. All of a single view
        are not copied, so that what lies on disk stays there.
    """
    if views.shape[1] == 1:
        return np.asarray(views[:, 0] if rows is None else views[rows, 0])
    rows = np.arange(len(views)) if rows is None else rows
    means = np.empty((len(rows), views.shape[2]), views.dtype)
    for some in blocks(len(rows)):
        means[some] = views[rows[some]].mean(axis=1, dtype=np.float32)
    return means


def mean_and_deviation(
    features: np.ndarray, rows: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Measure features in two passes: their mean, then how far they lie from it.

    Args:
        features: float [P, ..., D], in memory or on disk.
        rows: int, which of the P; by default all.

    Returns:
        The mean float32 [D], and one number: the standard deviation of all entries once the mean is
        subtracted. Sums are taken in float64.
    """
    rows = np.arange(len(features)) if rows is None else rows
    size = features.shape[-1]
    total, count = np.zeros(size), 0
    for some in blocks(len(rows)):
        block = np.asarray(features[rows[some]], np.float32).reshape(-1, size)
        total += block.sum(axis=0, dtype=np.float64)
        count += len(block)
    mean = (total / count).astype(np.float32)
    sums = np.zeros(2)  # of the differences, and of their squares
    for some in blocks(len(rows)):
        block = np.asarray(features[rows[some]], np.float32).reshape(-1, size) - mean
        sums += block.sum(dtype=np.float64), np.square(block).sum(dtype=np.float64)
    first, second = sums / (count * size)
    return mean, float(np.sqrt(max(second - first**2, 0)))


def nearest_rows(
    queries: np.ndarray, features: np.ndarray, count: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows of features that point most nearly where a query points.

    Args:
        queries: float [Q, D].
        features: float [P, D], in memory or on disk.
        count: How many rows, K; all of them if there are fewer.

    Returns:
        int [Q, K], the rows, the nearest first, of equals the first; float32 [Q, K], their
        cosines. Never more than [Q, 2,048 + K] cosines are kept. Taught in notebook 02.
    """
    queries, count = _unit_length(queries), min(count, len(features))
    rows = np.zeros((len(queries), 0), int)
    cosines = np.zeros((len(queries), 0), np.float32)
    for some in blocks(len(features)):
        found = np.tile(np.arange(some.start, some.stop), (len(queries), 1))
        candidates = np.concatenate([cosines, queries @ _unit_length(features[some]).T], axis=1)
        rows, cosines = _highest(np.concatenate([rows, found], axis=1), candidates, count)
    return rows, cosines


def _unit_length(features):
    features = np.asarray(features, np.float32)
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length == 0, 1, length)


def _highest(rows, cosines, count):
    """Keep the `count` highest cosines of each line, one after the other: few are asked for."""
    lines = np.arange(len(rows))
    kept_rows, kept = [], []
    for _ in range(min(count, rows.shape[1])):
        best = cosines.argmax(axis=1)
        kept_rows.append(rows[lines, best])
        kept.append(cosines[lines, best])
        cosines[lines, best] = -np.inf
    return np.stack(kept_rows, axis=1), np.stack(kept, axis=1)
