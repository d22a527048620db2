"""How few photographs are enough, and what does it bring to go on from a trained captioner?

    .venv/bin/python -m benchmarks.sizes     # an hour and a half; what is finished is not repeated

Photographs of Flickr8k's train split as a folder of one's own, three draws of each size, scored on
the 1,000 dev pictures. The captioner that comes with the course has learned from all of them; its
place is taken by a twin, trained in the same way without the 3,000 photographs of the draw. Needs
Flickr8k. Writes the table in benchmarks/README.md.
"""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.runs import mark, prepared, values
from benchmarks.tables import markdown_table, write_table
from utils.artifacts import write_content, write_json
from utils.batches import Batches
from utils.decoding import make_decoder
from utils.files import runs_root
from utils.metrics import score_captions
from utils.model import extend_model
from utils.pretrained import pretrained_settings
from utils.run import Run
from utils.settings import (
    MODEL_SETTINGS,
    ROOT,
    SEARCH_SETTINGS,
    Settings,
    default_settings,
    for_size,
)
from utils.tensorflow_setup import keras
from utils.training import train, untrained_model
from utils.vocabulary import Vocabulary, build_vocabulary, extend_vocabulary

SIZES, DRAWS = (300, 1000, 3000), (1, 2, 3)
KEPT = ("encoder", "mirrored", "min_count", *MODEL_SETTINGS, *SEARCH_SETTINGS)
LARGEST = max(SIZES)
# Label, and how the captioner starts; the last says what the twin says without learning more.
ROWS = (("from nothing", "nothing"), ("from the twin", "pretrained"), ("the twin as it is", "twin"))


def pictures_of(run: Run, draw: int) -> np.ndarray:
    """Return the names of all train pictures in a random order; the first are those of a draw."""
    return np.random.default_rng(draw).permutation(list(run.references("train")))


def settings_of(run: Run, captions: int, start: str) -> Settings:
    """Return the settings that a folder with so many train captions would have."""
    own = default_settings("own", run.settings.encoder, "full", start=start)
    return replace(for_size(own, captions, own.max_length), mirrored=run.settings.mirrored)


def path_of(name: str, *determined_by: Any) -> Path:
    """Return where a result is kept."""
    return runs_root() / "sizes" / f"{mark(*determined_by)}-{name}"


def learn(
    run: Run, captions: pd.DataFrame, settings: Settings, known: tuple | None = None
) -> tuple[Any, Vocabulary]:
    """Train on some captions, of the model and the vocabulary `known` or from nothing."""
    views, rows, _ = run.captions_of("train")
    everything = run.load("captions.csv")
    chosen = everything["split"].eq("train").to_numpy()
    rows = pd.Series(rows, everything["image"][chosen]).groupby(level=0).first()
    vocabulary = build_vocabulary(captions["caption"], settings.min_count)
    if known:
        vocabulary = extend_vocabulary(known[1], vocabulary)
    tokens = vocabulary.encode(captions["caption"])
    rows = captions["image"].map(rows).to_numpy()
    batches = Batches(views, rows, tokens, settings.batch_size, settings.seed)
    features, dev_rows, _ = run.captions_of("dev")
    dev = vocabulary.encode(everything.loc[everything["split"].eq("dev"), "caption"])
    if known:
        model = extend_model(known[0], len(vocabulary), settings)
    else:
        model = untrained_model(batches, len(vocabulary), settings)
    with TemporaryDirectory() as folder:
        result = train(model, batches, (features, dev_rows, dev), settings, Path(folder))
    if not result.finished:
        raise KeyboardInterrupt
    return result.model, vocabulary


def twin_of(run: Run, draw: int) -> tuple[Any, Vocabulary]:
    """Return a captioner like the one that comes with the course, that knows none of a draw."""
    captions = run.load("captions.csv")
    left = captions[captions["split"].eq("train")]
    left = left[~left["image"].isin(pictures_of(run, draw)[:LARGEST])]
    path = path_of("twin.keras", draw, values(run.settings, KEPT))
    if not path.exists():
        write_content(path, learn(run, left, run.settings)[0])
    model = keras.models.load_model(path, compile=False)
    return model, build_vocabulary(left["caption"], run.settings.min_count)


def score(run: Run, model: Any, vocabulary: Vocabulary, settings: Settings) -> dict[str, float]:
    """Score the captions of the dev pictures."""
    _, features, references = run.pictures_of("dev")
    search = settings.beam_size, settings.alpha, settings.max_length
    return score_captions(make_decoder([model], vocabulary)(features, *search)[0], references)


def result_of(run: Run, draw: int, size: int, start: str) -> dict[str, float]:
    """Return the dev scores of one captioner, which is trained if it has not been."""
    captions = run.load("captions.csv")
    captions = captions[captions["image"].isin(pictures_of(run, draw)[:size])]
    settings = settings_of(run, len(captions), "nothing" if start == "twin" else start)
    size = 0 if start == "twin" else size
    path = path_of(f"{start}.json", draw, size, start, values(settings, KEPT))
    if not path.exists():
        if start == "twin":
            found = score(run, *twin_of(run, draw), run.settings)
        else:
            known = twin_of(run, draw) if start == "pretrained" else None
            found = score(run, *learn(run, captions, settings, known), settings)
        write_json(path, found)
    return json.loads(path.read_text("utf-8"))


def main() -> None:
    """Measure what is missing and write the table."""
    run = prepared(default_settings("flickr8k", pretrained_settings()["encoder"], "full"))
    found: dict[tuple[int, str], list[dict[str, float]]] = {}
    for draw in DRAWS:
        for size in SIZES:
            for label, start in ROWS:
                scores = result_of(run, draw, size, start)
                found.setdefault((size, label), []).append(scores)
                print(draw, size, label, f"{scores['cider_d']:.1f}", flush=True)
    rows = []
    for (size, label), scores in found.items():
        cells = []
        for name in ("bleu_4", "cider_d"):
            numbers = [one[name] for one in scores]
            cells.append(f"{np.mean(numbers):.1f} ({min(numbers):.1f} to {max(numbers):.1f})")
        rows.append([f"{size:,}", label, *cells])
    table = markdown_table(["photographs", "start", "BLEU-4", "CIDEr-D"], rows)
    write_table(ROOT / "benchmarks" / "README.md", "sizes", table)


if __name__ == "__main__":
    main()
