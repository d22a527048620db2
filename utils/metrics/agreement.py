"""How far a score orders captions as people do: Kendall's tau-c."""

from collections.abc import Sequence

import numpy as np

from utils.errors import CourseError


def kendall_tau_c(
    scores: Sequence[float] | np.ndarray, ratings: Sequence[float] | np.ndarray
) -> float:
    """Compare the order that scores give with the order that people's ratings give.

    Of all pairs of captions, those that both order the same way, less those that they order the
    opposite way: P - Q. A pair with equal scores or equal ratings counts for neither. The scale is
    that of the table which n captions and m ratings can fill at best: 2 m (P - Q) / (n² (m - 1)).

    Args:
        scores: N numbers; only their order matters.
        ratings: N numbers of a few kinds, such as 1 to 4. m is the number of the kinds, or that of
            the different scores if it is smaller.

    Returns:
        From -1 (the opposite order) over 0 (no connection) to 1; 1 needs all ratings equally often.

    Raises:
        CourseError: The lengths differ, or all scores or all ratings are equal.

    Source: Stuart, Biometrika 40, 1953. Taught in notebook 06.
    """
    if len(scores) != len(ratings):
        raise CourseError(f"There are {len(scores)} scores for {len(ratings)} ratings.")
    values, rows = np.unique(scores, return_inverse=True)
    kinds, columns = np.unique(ratings, return_inverse=True)
    m = min(len(values), len(kinds))
    if m < 2:
        raise CourseError("All scores or all ratings are equal: there is no order to compare.")
    table = np.zeros((len(values), len(kinds)), int)
    np.add.at(table, (rows, columns), 1)
    lower = table.cumsum(axis=0) - table  # how many captions of each rating have a lower score
    place = np.arange(len(kinds))
    above = np.sign(place - place[:, None])  # [k, j]: 1 if rating j is above rating k, -1 if below
    return float(2 * m * (table * (lower @ above)).sum() / (len(rows) ** 2 * (m - 1)))
