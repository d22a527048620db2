"""What every captioner of the results table says about dev and test, made once and kept."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.runs import mark, prepared, values
from benchmarks.trained import Row, captioners_of, paths_of
from utils.artifacts import read_content, save_table, write_json
from utils.captioner import load_captioner
from utils.consensus import CANDIDATES, NEIGHBORS, make_consensus
from utils.decoding import make_decoder
from utils.evaluation import WITH_CONSENSUS, search_captions
from utils.files import runs_root
from utils.pretrained import PRETRAINED
from utils.run import Run
from utils.settings import Settings

BEAM, GREEDY = "beam 3", "greedy"
# Beam size, and whether consensus chooses.
SEARCHES = {BEAM: (3, False), WITH_CONSENSUS: (CANDIDATES, True), GREEDY: (1, False)}
SPLITS = ("dev", "test")
SHIPPED = "the captioner that comes with the course, float16"


@dataclass(frozen=True)
class Captions:
    """What a captioner says by one search, and what that costs."""

    search: str
    said: dict[str, dict[str, str]]  # split -> image -> caption
    # Seconds of `features` and `training`, those of `decoding` by split, number of `parameters`.
    costs: dict[str, Any]


def path_of(models: list[str], settings: Settings, search: str) -> Path:
    """Return where captions are kept: the name hashes what determines them, no more.

    Args:
        models: Names of the model files.
        settings: Their `alpha` and `max_length` are those of the search.
        search: One of `SEARCHES`.
    """
    beam_size, consensus = SEARCHES[search]
    chosen = {"beam_size": beam_size} | values(settings, ("alpha", "max_length"))
    number = mark(models, chosen, [CANDIDATES, NEIGHBORS] if consensus else None)
    return runs_root() / "results" / f"captions-{settings.encoder}-{number}.csv"


def captions_of(row: Row, settings: Settings) -> list[Captions]:
    """Return what a row says, by every seed and search; what is missing is made now.

    Models are trained or loaded only where captions are missing.
    """
    paths = {
        (seed, search): path_of([path.name for path in models], settings, search)
        for seed, models in paths_of(row, settings).items()
        for search in SEARCHES
    }
    missing = {key: path for key, path in paths.items() if not path.exists()}
    if missing:
        make(row, settings, missing)
    return [read(path, search) for (_, search), path in paths.items()]


def make(row: Row, settings: Settings, missing: dict[tuple[int | str, str], Path]) -> None:
    """Write the captions of a row that are missing, by seed and search."""
    run = prepared(settings)
    choose = make_consensus(*run.pictures_of("train")[1:])
    features = run.manifest("features.npy")["seconds"]
    for seed, models, training in captioners_of(row, settings, run):
        searches = [search for own, search in missing if own == seed]
        if not searches:
            continue
        decode = make_decoder(models, run.vocabulary())
        parameters = sum(model.count_params() for model in models)
        costs = {"features": features, "training": training, "parameters": parameters}
        for search in searches:
            said, seconds = search_splits(decode, choose, run, settings, search)
            keep(missing[seed, search], said, costs | {"decoding": seconds})


def search_splits(
    decode: Callable, choose: Callable, run: Run, settings: Settings, search: str
) -> tuple[dict[str, dict[str, str]], dict[str, float]]:
    """Caption dev and test: split -> image -> caption, and the seconds by split.

    Args:
        decode: What `make_decoder` returned.
        choose: What `make_consensus` returned.
        run: Its features are used.
        settings: Their `alpha` and `max_length` are used.
        search: One of `SEARCHES`.
    """
    said, seconds = {}, {}
    for split in SPLITS:
        images, features, _ = run.pictures_of(split)
        # Building the graph is not decoding.
        search_captions(decode, choose, features[:2], settings, SEARCHES[search])
        started = time.perf_counter()
        texts = search_captions(decode, choose, features, settings, SEARCHES[search])
        seconds[split] = time.perf_counter() - started
        said[split] = dict(zip(images, texts, strict=True))
    return said, seconds


def keep(path: Path, said: dict[str, dict[str, str]], costs: dict[str, Any]) -> None:
    """Write captions as a CSV (split, image, caption) and their costs as a JSON of its name."""
    rows = [(split, *pair) for split, texts in said.items() for pair in texts.items()]
    write_json(path.with_suffix(".json"), costs)
    save_table(path, pd.DataFrame(rows, columns=["split", "image", "caption"]))  # last: it counts


def read(path: Path, search: str) -> Captions:
    """Read what `keep` wrote."""
    said: dict[str, dict[str, str]] = {}
    for split, image, caption in read_content(path).itertuples(index=False):
        said.setdefault(split, {})[image] = caption
    return Captions(search, said, json.loads(path.with_suffix(".json").read_text("utf-8")))


def captions_of_shipped(run: Run) -> dict[str, Captions]:
    """Return what the captioner that comes with the course says about test: label -> captions.

    From the picture files, as somebody would use it who has trained nothing: with and without
    what the CNN is sure of (`utils.guidance`), beam search.

    Args:
        run: Of Flickr8k, with any encoder; its pictures are captioned.
    """
    manifest = json.loads((PRETRAINED / "manifest.json").read_text("utf-8"))
    found = {}
    for guided in (False, True):
        number = mark(manifest["sha256"], manifest["settings"], guided, SEARCHES[BEAM])
        path = runs_root() / "results" / f"captions-pretrained-{number}.csv"
        if not path.exists():
            images = list(run.references("test"))
            pictures = [run.picture_path(image) for image in images]
            beam_size, _ = SEARCHES[BEAM]
            said = load_captioner("pretrained").caption(pictures, beam_size, guided=guided)
            keep(path, {"test": dict(zip(images, said, strict=True))}, {})
        label = f"{SHIPPED}, {'guided' if guided else 'not guided'}"
        found[label] = read(path, BEAM)
    return found
