"""Captions in batches for training (notebook 05)."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from utils.blocks import blocks
from utils.vocabulary import PADDING


@dataclass(frozen=True)
class Batches:
    """Captions in batches of similar length, so that hardly any padding is computed.

    Taught in notebook 05.

    Args:
        features: float [P, D], one row per picture; or [P, V, D], several views of each, of
            which every caption gets a random one. They may lie on disk (`np.memmap`).
        rows: int [N], the row of `features` that belongs to each caption.
        tokens: int32 [N, T], right-padded.
        batch_size: Captions per batch.
        seed: With a seed every epoch has its own random order, which depends on seed and epoch
            alone; without, the batches come in order of length.
        distributions: What a teacher says of the next word at each position, in place of the one
            that stands there (`utils.distillation`): words int [N, T - 1, K] and their
            probabilities float [N, T - 1, K].
    """

    features: np.ndarray
    rows: np.ndarray
    tokens: np.ndarray
    batch_size: int
    seed: int | None = None
    distributions: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def steps(self) -> int:
        """Number of batches of an epoch."""
        return math.ceil(len(self.tokens) / self.batch_size)

    def epoch(self, number: int = 0) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield the batches of one epoch.

        Returns:
            Features [B, D] float32, inputs [B, T] int32 and targets [B, T] int32, which are the
            inputs one word later, 0 where the caption is over. With distributions, their words
            [B, T, K] int32 and probabilities [B, T, K] float32, too.
        """
        views = self.features if self.features.ndim == 3 else self.features[:, None]
        lengths = (self.tokens != PADDING).sum(1)
        rng = np.random.default_rng([self.seed or 0, number])
        choose = np.random.default_rng([self.seed or 0, number, 1])
        # Random among captions of one length, then batches in random order.
        order = np.lexsort((rng.random(len(self.tokens)), lengths))
        groups = np.array_split(order, self.steps)
        if self.seed is not None:
            rng.shuffle(groups)
        for group in groups:
            batch = self.tokens[group, : lengths[group].max()]
            seen = choose.integers(views.shape[1], size=len(group))
            features = np.asarray(views[self.rows[group], seen], np.float32)
            more = (array[group, : batch.shape[1] - 1] for array in self.distributions or ())
            taught = (part.astype(t) for part, t in zip(more, (np.int32, np.float32), strict=False))
            yield features, batch[:, :-1], batch[:, 1:], *taught

    def fingerprint(self) -> str:
        """SHA-256 of everything that is learned from."""
        digest = hashlib.sha256(repr((self.batch_size, self.seed)).encode())
        for array in (self.features, self.rows, self.tokens, *(self.distributions or ())):
            digest.update(repr((array.shape, array.dtype.str)).encode())
            for some in blocks(len(array)):
                digest.update(np.ascontiguousarray(array[some]).data)
        return digest.hexdigest()
