"""Shared fixtures: a tiny run whose answers are known."""

import os

import numpy as np
import pytest

from utils.settings import Settings

# The tests choose for themselves; make hands on what the shell that calls it has chosen.
for name in [name for name in os.environ if name.startswith("CAPTION_")]:
    if name != "CAPTION_ARCHIVES":
        del os.environ[name]


@pytest.fixture
def settings():
    """Settings small enough to train in seconds."""
    return Settings(embedding_size=16, units=24, dropout=0.3, epochs=4, batch_size=8)


@pytest.fixture
def toy(settings):
    """A toy data set: the brightest of six features decides which of six captions is right."""
    from utils.vocabulary import build_vocabulary

    sentences = [
        "a dog",
        "a red dog runs",
        "two cats",
        "a cat sits on a chair",
        "birds",
        "a bird flies over a red house",
    ]
    rng = np.random.default_rng(0)
    kinds = np.arange(48) % 6
    features = (np.eye(6)[kinds] + 0.05 * rng.normal(size=(48, 6))).astype(np.float32)
    captions = [sentences[kind] for kind in kinds]
    vocabulary = build_vocabulary(captions, 1)
    return {
        "captions": captions,
        "features": features,
        "rows": np.arange(48),
        "tokens": vocabulary.encode(captions),
        "vocabulary": vocabulary,
    }
