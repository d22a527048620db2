"""Consensus: the one of several captions that is most like those of similar train pictures."""

from collections.abc import Callable, Sequence

import numpy as np

from utils.blocks import nearest_rows
from utils.errors import CourseError
from utils.metrics import CiderD

# Chosen on the 1,000 dev pictures of Flickr8k, mean CIDEr-D of three captioners (two models and
# their ensemble): 50.6 with beam size 3; 55.3, 55.3, 55.1, 54.7 with 20, 30, 40, 60 neighbors;
# 56.2 and 56.8 with 20 and 30 candidates, whose search takes two and four times as long. Changed
# by less than chance: only the best half of the similarities (55.2), near neighbors counting more
# (55.4), the log-probability mixed in (55.5).
CANDIDATES = 10  # that the search hands over
NEIGHBORS = 20


def make_consensus(
    train_features: np.ndarray, train_references: Sequence[Sequence[str]]
) -> Callable[[np.ndarray, Sequence[Sequence[str]]], list[str]]:
    """Prepare the choice among the captions that a search found, by those of similar pictures.

    Each candidate is compared with every caption of the `NEIGHBORS` train pictures whose features
    point most nearly where those of its picture do. The highest mean similarity wins: CIDEr-D with
    the document frequencies of train.

    Args:
        train_features: float [P, D].
        train_references: P lists of captions.

    Returns:
        `choose(features [N, D], candidates)` to N captions. The candidates are N lists of captions,
        the best first, as `decode(features, several=CANDIDATES)` of `make_decoder` returns them. Of
        equals the first is chosen, so the search decides where no neighbor has a word in common.

    Raises:
        CourseError: There are no train pictures, or not as many lists of captions as features; of
            `choose`, too.

    Source: Devlin et al., "Exploring nearest neighbor approaches for image captioning", arXiv
    1505.04467, 2015, where the caption of a train picture itself is chosen. Taught in notebook 06.
    """
    if len(train_references) == 0:
        raise CourseError("There are no train pictures, so none is similar: give at least one.")
    _same_number(train_features, train_references)
    cider = CiderD(train_references)

    def choose(features, candidates):
        _same_number(features, candidates)
        if len(candidates) == 0:
            return []
        neighbors, _ = nearest_rows(features, train_features, NEIGHBORS)
        chosen = []
        for row, (texts, rows) in enumerate(zip(candidates, neighbors, strict=True)):
            if len(texts) == 0:
                raise CourseError(f"Picture {row} has no candidates: give at least one caption.")
            chosen.append(texts[int(cider.similarities(texts, rows).mean(axis=1).argmax())])
        return chosen

    return choose


def _same_number(features, captions):
    if len(features) != len(captions):
        raise CourseError(
            f"There are features of {len(features)} pictures and captions of {len(captions)}: "
            "give both of each."
        )
