"""What helps and what does not: one change at a time to the plain model, scored on dev.

    make climb      # two seeds; finished trainings are not repeated

Needs Flickr8k. Writes figures/climb.png and the table in benchmarks/README.md.
"""

import json
import os
import time
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks.tables import markdown_table, write_table
from utils.artifacts import write_json
from utils.datasets import load_captions, load_pictures, references_of
from utils.decoding import make_decoder
from utils.encoders import load_views
from utils.metrics import score_captions
from utils.model import build_model
from utils.plotting import COLORS, QUIET, save_figure, set_style
from utils.tensorflow_setup import keras
from utils.course import STEPS, execute
from utils.settings import FIGURES, ROOT, data_root, load_settings
from utils.training import (
    MaskedCrossentropy,
    bfloat16_products,
    dev_crossentropy,
    make_batches,
)
from utils.vocabulary import build_vocabulary

# The plain model, in full, so that later changes of the defaults do not move the starting point.
PLAIN = load_settings(
    dataset="flickr8k",
    encoder="efficientnet_lite0",
    mirrored=False,
    min_count=5,
    embedding_size=256,
    units=256,
    dropout=0.35,
    feature_scale=0.1,
    feature_dropout=0.0,
    epochs=4,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.0,
    label_smoothing=0.0,
    beam_size=3,
    alpha=1.0,
)
# Name of the row: what is changed. Keys are fields of the settings or what `train_variant` reads.
VARIANTS = {
    "plain model": {},
    "features: mirrored pictures too": {"features": "mirrored"},
    "features: no square root": {"features": "no_root"},
    "features: not standardized": {"unstandardized": True},
    "features: scale 0.3": {"feature_scale": 0.3},
    "features: scale 1": {"feature_scale": 1.0},
    "encoder: VGG16": {"encoder": "vgg16"},
    "encoder: Lite2": {"encoder": "efficientnet_lite2"},
    "encoders: VGG16 + Lite0": {"encoder": "vgg16+efficientnet_lite0"},
    "encoders: VGG16 + Lite2 + Lite0": {"encoder": "vgg16+efficientnet_lite2+efficientnet_lite0"},
    "weight decay: 0.1": {"weight_decay": 0.1},
    "dropout: 0.5": {"dropout": 0.5},
    "dropout: 0.2": {"dropout": 0.2},
    "dropout: on features too": {"feature_dropout": 0.35},
    "dropout: not on words": {"undropped": "embedding_dropout"},
    "dropout: not after the LSTM": {"undropped": "lstm_dropout"},
    "dropout: not after the fully connected layer": {"undropped": "fully_connected_dropout"},
    "units: 512": {"units": 512},
    "embedding: 512": {"embedding_size": 512},
    "embedding: shared with the softmax": {"shared": True},
    "vocabulary: words seen 3 times": {"min_count": 3},
    "label smoothing: 0.1": {"label_smoothing": 0.1},
    "learning rate: constant": {"constant": True},
}
# Read off the plain model, without another training.
DECODINGS = {
    "decoding: greedy": (1, 1.0),
    "decoding: beam 3, alpha 0": (3, 0.0),
    "decoding: beam 3, alpha 0.7": (3, 0.7),
    "decoding: beam 5, alpha 1": (5, 1.0),
    "decoding: beam 3, alpha 1.3": (3, 1.3),
}
AVERAGED = "weights: mean of the last 3 epochs"
SEEDS = (1, 2)
FOLDER = data_root() / "runs" / "climb"


def load_joined(encoder):
    """Views [P, V, D] of an encoder, or of several joined by +, from the runs of each."""
    parts = []
    for name in encoder.split("+"):
        folder = replace(PLAIN, encoder=name).run_folder
        if not (folder / "features.npy").exists():
            run_first_notebooks(name)
        parts.append(load_views(folder))
    views = min(part.shape[1] for part in parts)
    joined = np.concatenate([part[:, :views] for part in parts], axis=2)
    return joined / np.float32(len(parts) ** 0.5)


def run_first_notebooks(encoder):
    """Execute notebooks 01 to 03 for an encoder."""
    os.environ |= {"CAPTION_DATASET": PLAIN.dataset, "CAPTION_ENCODER": encoder}
    folder = replace(PLAIN, encoder=encoder).run_folder
    for step in STEPS[:3]:
        execute(step, folder / "notebooks" / f"{step}.ipynb")


def data_of(settings, change):
    """Train and dev data (features, rows, tokens), the vocabulary, features of the dev pictures."""
    views = load_joined(settings.encoder)
    features = views[:, 0]
    captions = load_captions(PLAIN.run_folder)
    row_of = {image: row for row, image in enumerate(load_pictures(PLAIN.run_folder)["image"])}
    rows = captions["image"].map(row_of).to_numpy()
    of_train, of_dev = (captions["split"].eq(split).to_numpy() for split in ("train", "dev"))
    vocabulary = build_vocabulary(captions.loc[of_train, "caption"], settings.min_count)
    tokens = vocabulary.encode(captions["caption"])
    if change.get("features") == "no_root":
        # The square of a root, at length 1 again: what the L2 norm alone would have given.
        features = np.sign(features) * features**2
        features /= np.linalg.norm(features, axis=1, keepdims=True)
    train = features, rows[of_train], tokens[of_train]
    if change.get("features") == "mirrored":
        train = views, *train[1:]
    dev_rows = [row_of[image] for image in references_of(captions, "dev")]
    return train, (features, rows[of_dev], tokens[of_dev]), vocabulary, features[dev_rows]


def build_variant(settings, change, feature_size, vocabulary_size):
    """The untrained merge model of a variant."""
    model = build_model(feature_size, vocabulary_size, settings)
    if "undropped" in change:
        model.get_layer(change["undropped"]).rate = 0.0
    return model


def share_embedding(model):
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


def unshare(model, student):
    """Copy what a student of `share_embedding` learned back into the plain model's own layers."""
    (vectors,) = student.get_layer("shared").get_weights()
    model.get_layer("embedding").set_weights([vectors])
    model.get_layer("logits").set_weights([vectors.T, np.zeros(len(vectors), np.float32)])


def train_variant(name, seed):
    """Train one variant; returns its dev scores, of the plain one under other decodings as well."""
    change = VARIANTS[name]
    fields = {key: value for key, value in change.items() if hasattr(PLAIN, key)}
    settings = replace(PLAIN, seed=seed, **fields)
    train, dev, vocabulary, dev_features = data_of(settings, change)
    model = build_variant(settings, change, train[0].shape[-1], len(vocabulary))
    if "unstandardized" not in change:
        of_train = train[0][np.unique(train[1])].reshape(-1, train[0].shape[-1])
        model.get_layer("standardize").adapt(of_train, settings.feature_scale)
    epochs = settings.epochs
    batches, steps = make_batches(*train, settings.batch_size, seed=seed)
    schedule = keras.optimizers.schedules.CosineDecay(settings.learning_rate, epochs * steps)
    student = share_embedding(model) if "shared" in change else model
    student.compile(
        keras.optimizers.AdamW(
            settings.learning_rate if "constant" in change else schedule,
            weight_decay=settings.weight_decay,
            clipnorm=5.0,
        ),
        MaskedCrossentropy(settings.label_smoothing),
        jit_compile=False,
    )
    kept = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append(student.get_weights())
    )
    started = time.perf_counter()
    with bfloat16_products():
        student.fit(
            batches,
            steps_per_epoch=steps,
            epochs=epochs,
            callbacks=[keep],
            shuffle=False,
            verbose=0,
        )
    seconds = time.perf_counter() - started
    if student is not model:
        unshare(model, student)
    references = list(references_of(load_captions(PLAIN.run_folder), "dev").values())

    def score(beam_size=settings.beam_size, alpha=settings.alpha):
        said, _ = make_decoder(model, vocabulary)(dev_features, beam_size, alpha)
        return score_captions(said, references)

    rows = {name: {**score(), "dev_loss": dev_crossentropy(model, *dev), "seconds": seconds}}
    if not change:
        rows |= {label: score(*decoding) for label, decoding in DECODINGS.items()}
        model.set_weights([np.mean(arrays, axis=0) for arrays in zip(*kept[-3:], strict=True)])
        rows[AVERAGED] = score()
    return rows


def summarize():
    """Read all finished trainings: a DataFrame with a row per variant, means and ranges on dev."""
    rows = {}
    for path in sorted(FOLDER.glob("*.json")):
        for name, scores in json.loads(path.read_text("utf-8")).items():
            rows.setdefault(name, []).append(scores)
    plain = np.mean([scores["cider_d"] for scores in rows["plain model"]])
    table = []
    for name, runs in rows.items():
        cider = [scores["cider_d"] for scores in runs]
        table.append(
            {
                "change": name,
                "bleu_4": np.mean([scores["bleu_4"] for scores in runs]),
                "cider_d": np.mean(cider),
                "gain": np.mean(cider) - plain,
                "dev_loss": np.mean([scores.get("dev_loss", np.nan) for scores in runs]),
                "lowest": min(cider),
                "highest": max(cider),
                "seeds": len(runs),
            }
        )
    order = [*VARIANTS, *DECODINGS, AVERAGED]
    return pd.DataFrame(table).set_index("change").loc[lambda t: [n for n in order if n in t.index]]


def markdown(table):
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


def draw(table):
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


def main():
    """Train what is missing, one seed after the other; write the table and the chart."""
    for seed in SEEDS:
        for number, name in enumerate(VARIANTS):
            path = FOLDER / f"{number:02}-{seed}.json"
            if not path.exists():
                rows = train_variant(name, seed)
                write_json(path, rows)
                print(f"seed {seed}  {name:44} CIDEr-D {rows[name]['cider_d']:.1f}", flush=True)
    table = summarize()
    print(table.round(1).to_string())
    write_table(ROOT / "benchmarks" / "README.md", "climb", markdown(table))
    set_style()
    save_figure(draw(table), FIGURES, "climb")


if __name__ == "__main__":
    main()
