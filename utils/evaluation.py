"""Captions of whole splits, their scores, and runs side by side (notebooks 06 and 07)."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from scenes import read_truth
from utils.blocks import nearest_rows
from utils.consensus import CANDIDATES, make_consensus
from utils.datasets import NOVEL
from utils.decoding import make_decoder
from utils.errors import CourseError
from utils.files import runs_root
from utils.metrics import human_ceiling, score_captions
from utils.run import Run, open_run
from utils.settings import MODEL_SETTINGS, SEARCH_SETTINGS, Settings, default_settings
from utils.training import dev_crossentropy

FACTS = ("main", "action", "color", "place")
WITH_CONSENSUS = "with consensus"


def beam_sizes(run: Run) -> tuple[int, ...]:
    """Return the beam sizes that are compared: greedy search and that of the settings."""
    return tuple(sorted({1, run.settings.beam_size}))


def _searches(run):
    """Return how captions are made: a beam size, and whether consensus chooses among them."""
    return [*((beam_size, False) for beam_size in beam_sizes(run)), (CANDIDATES, True)]


def search_captions(
    decode: Callable, choose: Callable, features: Any, settings: Settings, how: tuple[int, bool]
) -> list[str]:
    """Caption pictures with features [N, D] by one search.

    Args:
        decode: What `make_decoder` returned.
        choose: What `make_consensus` returned.
        features: float [N, D].
        settings: Their `alpha` and `max_length` are used.
        how: The beam size, and whether consensus chooses among `CANDIDATES` captions.
    """
    beam_size, consensus = how
    several = CANDIDATES if consensus else None
    said, _ = decode(features, beam_size, settings.alpha, settings.max_length, several)
    return choose(features, said) if consensus else said


def caption_splits(models: Any, run: Run) -> tuple[pd.DataFrame, dict[str, float]]:
    """Write captions for every picture outside train: greedy, beam search, with consensus.

    Args:
        models: A merge model, or a list of several as an ensemble.
        run: Its settings say how to search; its features, train captions and vocabulary are used.

    Returns:
        The predictions, a DataFrame (image, split, beam_size, consensus, caption), and the seconds
        that each took. Consensus is True where `make_consensus` chose among the captions that a
        search of that beam size found.
    """
    decode, settings = make_decoder(models, run.vocabulary()), run.settings
    splits = {split: run.pictures_of(split) for split in run.splits() if split != "train"}
    start = time.perf_counter()
    choose = make_consensus(*run.pictures_of("train")[1:])
    tables, seconds = [], {"preparing_consensus": time.perf_counter() - start}
    for beam_size, consensus in _searches(run):
        start = time.perf_counter()
        for split, (images, features, _) in splits.items():
            said = search_captions(decode, choose, features, settings, (beam_size, consensus))
            columns = {"image": images, "split": split, "beam_size": beam_size}
            tables.append(pd.DataFrame({**columns, "consensus": consensus, "caption": said}))
        search = "decoding_consensus" if consensus else f"decoding_beam_{beam_size}"
        seconds[search] = time.perf_counter() - start
    return pd.concat(tables, ignore_index=True), seconds


def captions_said(
    predictions: pd.DataFrame, split: str, beam_size: int, consensus: bool = False
) -> dict[str, str]:
    """Return the captions of a split: dict from image to caption, in the order of the split."""
    chosen = predictions["split"].eq(split) & predictions["beam_size"].eq(beam_size)
    # Predictions of an earlier version of the course have no such column.
    chosen = predictions[chosen & (predictions.get("consensus", False) == consensus)]
    return dict(zip(chosen["image"], chosen["caption"], strict=True))


def describe_captions(said: list[str], references: list[list[str]]) -> dict[str, float]:
    """Score captions as `score_captions` does, with their mean length and how many differ."""
    return {
        **score_captions(said, references),
        "mean_length": float(np.mean([len(text.split()) for text in said])),
        "distinct_captions": len(set(said)),
    }


def score_splits(predictions: pd.DataFrame, run: Run) -> dict[str, dict[str, dict[str, float]]]:
    """Score predictions: dict split -> search -> what `describe_captions` returns.

    A search is a beam size as text, or `WITH_CONSENSUS`.
    """
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for split in predictions["split"].unique():
        references = list(run.references(split).values())
        for beam_size, consensus in _searches(run):
            said = captions_said(predictions, split, beam_size, consensus)
            search = WITH_CONSENSUS if consensus else str(beam_size)
            scores.setdefault(split, {})[search] = describe_captions(
                list(said.values()), references
            )
    return scores


def floor_captions(run: Run) -> dict[str, list[str]]:
    """Caption test without a model: what any model should beat.

    - constant caption: of 60 train captions, the one that fits 100 dev pictures best
    - random picture, nearest picture: a caption of another picture, of train; the nearest has
      the most similar features

    Returns:
        Dict name -> captions, one per test picture.
    """
    rng = np.random.default_rng(run.settings.seed)
    _, train_features, train_references = run.pictures_of("train")
    _, features, references = run.pictures_of("test")
    captions = sorted({text for texts in train_references for text in texts})
    candidates = rng.choice(captions, min(60, len(captions)), replace=False).tolist()
    _, _, dev_references = run.pictures_of("dev")
    some = dev_references[:100]
    fits = [score_captions([text] * len(some), some)["bleu_4"] for text in candidates]
    constant = candidates[int(np.argmax(fits))]
    first = np.array([texts[0] for texts in train_references], object)
    random = rng.integers(len(first), size=len(references))
    nearest = nearest_rows(features, train_features)[0][:, 0]
    return {
        "constant caption": [constant] * len(references),
        "caption of a random picture": first[random].tolist(),
        "caption of the nearest picture": first[nearest].tolist(),
    }


def floor_and_ceiling(run: Run) -> tuple[dict[str, dict[str, float]], str]:
    """Score on test what a model should beat (`floor_captions`), and what people reach.

    One person: each reference in turn against the others of its picture; only where every
    picture has two or more.

    Returns:
        Dict name -> scores, and the constant caption.
    """
    said, references = floor_captions(run), list(run.references("test").values())
    scores = {name: score_captions(texts, references) for name, texts in said.items()}
    if min(map(len, references)) > 1:
        scores["one person against the others"] = human_ceiling(references)
    return scores, said["constant caption"][0]


def precision_of_facts(predictions: pd.DataFrame, run: Run) -> dict[str, dict[str, float]]:
    """Tell how much of what captions of scenes say is true, where every fact is known.

    Returns:
        Dict split -> fact -> precision in percent, of beam search on test and on new
        combinations; empty for other data sets.
    """
    if run.settings.dataset != "scenes":
        return {}
    truth = read_truth(run.settings.data_folder)
    tables = {
        split: truth.score(captions_said(predictions, split, run.settings.beam_size))
        for split in ("test", NOVEL)
    }
    return {
        split: {fact: float(table.loc[fact, "precision"]) for fact in FACTS}
        for split, table in tables.items()
    }


def evaluate(model: Any, run: Run, predictions: pd.DataFrame) -> dict[str, Any]:
    """Return everything about predictions that is measured once, ready for `metrics.json`.

    Args:
        model: The merge model that wrote them.
        run: The run.
        predictions: What `caption_splits` returned.

    Returns:
        The dict of `score_splits`, dev_perplexity, facts (`precision_of_facts`), beam_size
        and alpha.
    """
    return {
        **score_splits(predictions, run),
        "dev_perplexity": float(np.exp(dev_crossentropy(model, *run.captions_of("dev")))),
        "facts": precision_of_facts(predictions, run),
        "beam_size": run.settings.beam_size,
        "alpha": run.settings.alpha,
    }


def compare_runs() -> pd.DataFrame:
    """List the runs that are there: what differs from the defaults, and what they score.

    Returns:
        A DataFrame with a row per model: run, training (likelihood, or CIDEr-D of notebook 07),
        settings (those that are not the defaults), bleu_4 and cider_d of beam search on test,
        consensus (CIDEr-D with it), and note, which says what is missing or no longer holds.
    """
    rows = []
    for path in sorted(runs_root().glob("*/run.json")):
        run = open_run(path.parent)
        chosen = run.settings
        defaults = run.sized(default_settings(chosen.dataset, chosen.encoder, chosen.profile))
        names = ("min_count", "mirrored", *MODEL_SETTINGS, *SEARCH_SETTINGS)
        changed = {name: getattr(chosen, name) for name in names}
        changed = {k: v for k, v in changed.items() if v != getattr(defaults, k)}
        told = ", ".join(f"{name}={value}" for name, value in changed.items())
        for training, name in (
            ("likelihood", "metrics.json"),
            ("CIDEr-D", "metrics_self_critical.json"),
        ):
            if name == "metrics.json" or run.path(name).exists():
                row = {"run": path.parent.name, "training": training, "settings": told}
                rows.append(row | _test_scores(run, name))
    columns = ["run", "training", "settings", "bleu_4", "cider_d", "consensus", "note"]
    return pd.DataFrame(rows, columns=columns)


def _test_scores(run, name):
    try:
        metrics = run.load(name)
    except CourseError as error:
        return {"note": str(error)}
    scores = metrics["test"][str(metrics["beam_size"])]
    found = {"bleu_4": scores["bleu_4"], "cider_d": scores["cider_d"], "note": ""}
    if WITH_CONSENSUS in metrics["test"]:  # not yet in runs of an earlier version
        found["consensus"] = metrics["test"][WITH_CONSENSUS]["cider_d"]
    return found
