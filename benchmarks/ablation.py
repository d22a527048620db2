"""What helps and what does not: one change at a time to the plain model, scored on dev.

    make ablation      # two seeds; finished trainings are not repeated

Needs Flickr8k. Writes figures/ablation.png and the table in benchmarks/README.md.
"""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.runs import mark, prepared, values
from benchmarks.tables import markdown_table, write_table
from benchmarks.variants import AVERAGED, DECODINGS, PLAIN, SEEDS, VARIANTS
from utils.artifacts import write_json
from utils.batches import Batches
from utils.decoding import make_decoder
from utils.files import runs_root
from utils.metrics import score_captions
from utils.model import build_model
from utils.plotting import COLORS, QUIET, save_figure, set_style
from utils.settings import (
    FIGURES,
    MODEL_SETTINGS,
    ROOT,
    SEARCH_SETTINGS,
    Settings,
    default_settings,
)
from utils.tensorflow_setup import keras
from utils.training import train, untrained_model
from utils.vocabulary import Vocabulary, build_vocabulary


class Data(NamedTuple):
    """What a variant learns from and is scored on.

    `dev` is features, rows and tokens as `train` takes them; `dev_features` [N, D] and
    `references` are of the dev pictures.
    """

    batches: Batches
    dev: tuple[np.ndarray, np.ndarray, np.ndarray]
    vocabulary: Vocabulary
    dev_features: np.ndarray
    references: list[list[str]]


def settings_of(change: dict[str, Any], seed: int) -> Settings:
    """Return the settings of a variant."""
    fields = {key: value for key, value in change.items() if hasattr(PLAIN, key)}
    return replace(PLAIN, seed=seed, **fields)


def path_of(change: dict[str, Any], seed: int) -> Path:
    """Return where the scores of a variant are kept: the name hashes what determines them."""
    settings = settings_of(change, seed)
    names = ("encoder", "mirrored", "min_count", *MODEL_SETTINGS, *SEARCH_SETTINGS)
    own = {key: value for key, value in change.items() if not hasattr(PLAIN, key)}
    number = mark(values(settings, names), own, {} if change else DECODINGS)
    return runs_root() / "ablation" / f"{settings.encoder}-{seed}-{number}.json"


def data_of(settings: Settings, change: dict[str, Any]) -> Data:
    """Take captions and features from the run of the encoder, and change what is to be changed."""
    encoder_run = default_settings(settings.dataset, settings.encoder, "full")
    if settings.mirrored:
        named = frozenset({"mirrored"})  # a run without mirror images is refused
        encoder_run = replace(encoder_run, mirrored=True, named=named)
    run = prepared(encoder_run)
    views, train_rows, _ = run.captions_of("train")
    if not settings.mirrored:
        views = views[:, :1]
    if change.get("no_root"):
        # The square of a root, at length 1 again: what the L2 norm alone would have given.
        views = np.sign(views) * views**2
        views /= np.linalg.norm(views, axis=2, keepdims=True)
    _, dev_rows, _ = run.captions_of("dev")  # of the dev pictures, in the order of the features
    images, _, references = run.pictures_of("dev")
    is_dev = run.load("pictures.csv")["image"].isin(images).to_numpy()
    captions = run.load("captions.csv").groupby("split")["caption"]
    vocabulary = build_vocabulary(captions.get_group("train"), settings.min_count)
    tokens = {split: vocabulary.encode(captions.get_group(split)) for split in ("train", "dev")}
    features = np.asarray(views[is_dev, 0])
    return Data(
        Batches(views, train_rows, tokens["train"], settings.batch_size, settings.seed),
        (features, dev_rows, tokens["dev"]),
        vocabulary,
        features[pd.unique(dev_rows)],  # pictures in the order of their first captions
        references,
    )


def build_variant(settings: Settings, change: dict[str, Any], data: Data) -> Any:
    """Build the untrained merge model of a variant."""
    if change.get("unstandardized"):
        model = build_model(data.batches.features.shape[-1], len(data.vocabulary), settings)
    else:
        model = untrained_model(data.batches, len(data.vocabulary), settings)
    if "undropped" in change:
        model.get_layer(change["undropped"]).rate = 0.0
    return model


def share_embedding(model: Any) -> Any:
    """The same model, whose softmax uses the word vectors (Press and Wolf, EACL 2017)."""
    plain = model.get_layer("embedding")
    shared = keras.layers.ReversibleEmbedding(plain.input_dim, plain.output_dim, name="shared")
    words = shared(model.inputs[1])
    for name in ("embedding_dropout", "lstm", "lstm_dropout"):
        words = model.get_layer(name)(words)
    merged = model.get_layer("merge")([model.get_layer("picture_per_word").output, words])
    for name in ("fully_connected", "fully_connected_dropout"):
        merged = model.get_layer(name)(merged)
    return keras.Model(model.inputs, shared(merged, reverse=True))


def unshare(model: Any, student: Any) -> None:
    """Copy what a student of `share_embedding` learned back into the plain model's own layers."""
    (vectors,) = student.get_layer("shared").get_weights()
    model.get_layer("embedding").set_weights([vectors])
    model.get_layer("logits").set_weights([vectors.T, np.zeros(len(vectors), np.float32)])


def train_variant(change: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train one variant.

    Returns:
        Dict: its dev scores, and of the plain model those by other decodings as well.
    """
    settings = settings_of(change, seed)
    data = data_of(settings, change)
    model = build_variant(settings, change, data)
    student = share_embedding(model) if change.get("shared") else model
    schedule = settings.learning_rate if change.get("constant") else None
    kept: list[list[np.ndarray]] = []

    def keep(model):
        kept.append(model.get_weights())
        return []

    with TemporaryDirectory() as folder:  # minutes of training: resuming would lose what is kept
        trained = train(student, data.batches, data.dev, settings, Path(folder), keep, schedule)
    if not trained.finished:
        raise KeyboardInterrupt
    if student is not model:
        unshare(model, student)
    costs = {
        "dev_loss": float(trained.history["dev_loss"].min()),
        "seconds": float(trained.history["seconds"].sum()),
    }
    result: dict[str, Any] = {"scores": score(model, data, settings) | costs}
    if not change:
        decodings = {
            label: score(model, data, replace(settings, beam_size=beam_size, alpha=alpha))
            for label, (beam_size, alpha) in DECODINGS.items()
        }
        model.set_weights([np.mean(arrays, axis=0) for arrays in zip(*kept[-3:], strict=True)])
        result["decodings"] = decodings | {AVERAGED: score(model, data, settings)}
    return result


def score(model: Any, data: Data, settings: Settings) -> dict[str, float]:
    """Score the captions of the dev pictures."""
    decode = make_decoder(model, data.vocabulary)
    search = (settings.beam_size, settings.alpha, settings.max_length)
    said, _ = decode(data.dev_features, *search)
    return score_captions(said, data.references)


def finished() -> dict[str, list[dict[str, float]]]:
    """Read the trainings that are there: dict from row to the scores of its seeds."""
    rows: dict[str, list[dict[str, float]]] = {}
    for name, change in VARIANTS.items():
        for path in (path_of(change, seed) for seed in SEEDS):
            if path.exists():
                result = json.loads(path.read_text("utf-8"))
                own = {name: result["scores"]} | result.get("decodings", {})
                for label, scores in own.items():
                    rows.setdefault(label, []).append(scores)
    return rows


def summarize(rows: dict[str, list[dict[str, float]]]) -> pd.DataFrame:
    """Return a DataFrame with a row per variant: means and ranges of its seeds on dev."""
    plain = np.mean([scores["cider_d"] for scores in rows["plain model"]])
    table = []
    for name in (*VARIANTS, *DECODINGS, AVERAGED):
        if name not in rows:
            continue
        cider = [scores["cider_d"] for scores in rows[name]]
        table.append(
            {
                "change": name,
                "bleu_4": np.mean([scores["bleu_4"] for scores in rows[name]]),
                "cider_d": np.mean(cider),
                "gain": np.mean(cider) - plain,
                "dev_loss": np.mean([scores.get("dev_loss", np.nan) for scores in rows[name]]),
                "lowest": min(cider),
                "highest": max(cider),
                "seeds": len(cider),
            }
        )
    return pd.DataFrame(table).set_index("change")


def markdown(table: pd.DataFrame) -> str:
    """The table of benchmarks/README.md."""
    head = ["change", "BLEU-4", "CIDEr-D", "lowest to highest", "gain", "dev loss", "seeds"]
    rows = [
        [
            change,
            f"{row.bleu_4:.1f}",
            f"{row.cider_d:.1f}",
            f"{row.lowest:.1f} to {row.highest:.1f}",
            f"{row.gain:+.1f}",
            "" if np.isnan(row.dev_loss) else f"{row.dev_loss:.2f}",
            str(row.seeds),
        ]
        for change, row in zip(table.index, table.itertuples(), strict=True)
    ]
    return markdown_table(head, rows)


def draw(table: pd.DataFrame) -> Figure:
    """One line per change: dev CIDEr-D of its seeds beside the plain model."""
    plain = table.loc["plain model"]
    figure, axis = plt.subplots(figsize=(8, 0.27 * len(table) + 1))
    axis.axvspan(plain["lowest"], plain["highest"], color=QUIET, alpha=0.3, zorder=0)
    axis.axvline(plain["cider_d"], color=QUIET, linewidth=1, zorder=1)
    position = np.arange(len(table))[::-1]
    axis.hlines(position, table["lowest"], table["highest"], color=COLORS[0], linewidth=4)
    axis.plot(table["cider_d"], position, "o", color=COLORS[0])
    axis.set_yticks(position, table.index)
    axis.set(xlabel="dev CIDEr-D")
    axis.grid(axis="y", visible=False)
    return figure


def main() -> None:
    """Train what is missing, one seed after the other; write the table and the chart."""
    for seed in SEEDS:
        for name, change in VARIANTS.items():
            path = path_of(change, seed)
            if not path.exists():
                result = train_variant(change, seed)
                write_json(path, result)
                cider = result["scores"]["cider_d"]
                print(f"seed {seed}  {name:44} CIDEr-D {cider:.1f}", flush=True)
    table = summarize(finished())
    print(table.round(1).to_string())
    write_table(ROOT / "benchmarks" / "README.md", "ablation", markdown(table))
    set_style()
    save_figure(draw(table), FIGURES, "ablation")


if __name__ == "__main__":
    main()
