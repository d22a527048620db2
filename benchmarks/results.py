"""The results table: three seeds of each captioner on Flickr8k, scored on the official test split.

    make results      # what is finished in data/runs/results is not repeated

Writes figures/results.csv, figures/results.png and the table in README.md.
"""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks.tables import markdown_table, write_table
from utils.artifacts import save_array, save_table, write_json
from utils.datasets import load_captions, load_pictures, load_raw_dataset, references_of
from utils.decoding import make_decoder
from utils.encoders import build_encoder, extract_views, joined_encoders
from utils.metrics import score_captions
from utils.model import build_model
from utils.plotting import COLORS, INK, QUIET, save_figure, set_style
from utils.tensorflow_setup import keras
from utils.course import STEPS, execute
from utils.self_critical import train_for_score
from utils.settings import FIGURES, ROOT, data_root, load_settings
from utils.training import save_model, train
from utils.vocabulary import load_tokens, load_vocabulary

FOLDER = data_root() / "runs" / "results"


@dataclass(frozen=True)
class Row:
    """A row of the table: which models, trained how, alone or together."""

    label: str
    encoder: str
    reward: bool = False  # trained for CIDEr-D after likelihood
    together: bool = False  # all seeds, before and after the reward, as one ensemble
    seeds: tuple = (1, 2, 3)


BEST = "vgg16+efficientnet_lite2+efficientnet_lite0"
ROWS = (
    Row("VGG16", "vgg16"),
    Row("VGG16, then trained for CIDEr-D", "vgg16", reward=True),
    Row("EfficientNet-Lite0", "efficientnet_lite0"),
    Row("VGG16 + EfficientNet-Lite2 + Lite0", BEST),
    Row("all three, then trained for CIDEr-D", BEST, reward=True),
    Row("ten of these models together", BEST, reward=True, together=True, seeds=(1, 2, 3, 4, 5)),
)
PUBLISHED = (
    # Label, then BLEU-1 to 4, ROUGE-L and CIDEr-D as far as published. Sources: README.md.
    ("one person against the other four", 64.7, 45.7, 31.4, 21.4, 49.5, 82.1),
    ("attention, ResNet101 fine-tuned, 1024 units (PyTorch)", 63.0, 45.4, 31.9, 22.0, 48.1, 58.6),
    ("attention, ResNet50 (PyTorch)", 60.0, 42.3, 29.3, 20.1, 45.6, 52.7),
    ("hard attention, VGG19 (Xu 2015)", 67, 45.7, 31.4, 21.3, None, None),
    ("soft attention, VGG19 (Xu 2015)", 67, 44.8, 29.9, 19.5, None, None),
    ("init-inject, VGG16 (Tanti 2018)", 61.1, 42.4, 28.5, 19.1, 44.5, 48.1),
    ("merge model, VGG16 (Tanti 2018)", 60.0, 41.3, 27.3, 17.8, 44.4, 46.9),
    ("Show and Tell, GoogLeNet (Vinyals 2015)", 63, 41, 27, None, None, None),
    ("NeuralTalk, VGG16 (Karpathy 2015)", 57.9, 38.3, 24.5, 16.0, None, None),
)
SCORES = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d")


@dataclass(frozen=True)
class Data:
    """Everything that training and scoring need: views [P, V, D], captions and their tokens.

    `seconds` is what the extraction of the views took.
    """

    views: np.ndarray
    seconds: float
    captions: pd.DataFrame
    rows: np.ndarray
    tokens: np.ndarray
    vocabulary: object

    def captions_of(self, split, features):
        """Features, rows and tokens of the captions of a split."""
        chosen = self.captions["split"].eq(split).to_numpy()
        return features, self.rows[chosen], self.tokens[chosen]

    def pictures_of(self, split):
        """Features [N, D] and references of the pictures of a split."""
        references = references_of(self.captions, split)
        first = self.captions.drop_duplicates("image").index
        row_of = dict(zip(self.captions.loc[first, "image"], self.rows[first], strict=True))
        rows = [row_of[image] for image in references]
        return self.views[rows].mean(axis=1), list(references.values())


def load_data(settings):
    """Captions from notebooks 01 to 03, and the views that the settings ask for."""
    plain = load_settings(dataset="flickr8k", encoder="efficientnet_lite0")
    folder = plain.run_folder
    if not (folder / "tokens.npy").exists():
        os.environ |= {"CAPTION_DATASET": plain.dataset, "CAPTION_ENCODER": plain.encoder}
        for step in STEPS[:3]:
            execute(step, folder / "notebooks" / f"{step}.ipynb")
    images = load_pictures(folder)["image"]
    raw = load_raw_dataset(plain)
    paths = [raw.path(image) for image in images]
    parts = [both_views(info.name, paths) for info in joined_encoders(settings.encoder)]
    count = 1 + settings.mirrored
    views = np.concatenate([views[:, :count] for views, _ in parts], axis=2)
    captions = load_captions(folder)
    row_of = {image: row for row, image in enumerate(images)}
    return Data(
        views / np.float32(len(parts) ** 0.5),
        sum(seconds for _, seconds in parts) * count / 2,
        captions,
        captions["image"].map(row_of).to_numpy(),
        load_tokens(folder),
        load_vocabulary(folder),
    )


def both_views(encoder, paths):
    """Views [P, 2, D] of all pictures by one encoder, and the seconds they took."""
    path = FOLDER / f"{encoder}.npy"
    if not path.exists():
        started = time.perf_counter()
        views = extract_views(paths, build_encoder(encoder), mirrored=True)
        write_json(FOLDER / f"{encoder}.json", {"seconds": time.perf_counter() - started})
        save_array(path, views)
    seconds = json.loads((FOLDER / f"{encoder}.json").read_text("utf-8"))["seconds"]
    return np.load(path, allow_pickle=False), seconds


def name_of(settings, reward):
    """Name of the files of a training; other settings have other names."""
    mark = hashlib.sha256(json.dumps(asdict(settings)).encode()).hexdigest()[:8]
    return f"{settings.encoder}-{settings.seed}-{mark}{'-reward' if reward else ''}"


def trained(settings, data, reward):
    """The model of one seed, and how long it took; trained now if it never was."""
    name = name_of(settings, reward)
    path = FOLDER / f"{name}.keras"
    if not path.exists():
        if reward:
            model, _ = trained(settings, data, reward=False)
            train_part, dev = data.pictures_of("train"), data.pictures_of("dev")
            history = train_for_score(model, train_part, dev, data.vocabulary, settings)
        else:
            model = build_model(data.views.shape[2], len(data.vocabulary), settings)
            parts = (
                data.captions_of("train", data.views),
                data.captions_of("dev", data.views.mean(axis=1)),
            )
            model, history, _ = train(model, *parts, settings, FOLDER / name)
        save_table(FOLDER / f"{name}.csv", history)
        save_model(path, model)
    seconds = pd.read_csv(FOLDER / f"{name}.csv")["seconds"].sum()
    return keras.models.load_model(path, compile=False), seconds


def score(models, data, settings):
    """Scores of dev and test with greedy and beam search, and the seconds that test took."""
    decode = make_decoder(models, data.vocabulary)
    rows = {}
    for split in ("dev", "test"):
        features, references = data.pictures_of(split)
        decode(features[:2], settings.beam_size)  # building the graph is not decoding
        for beam_size in (1, settings.beam_size):
            started = time.perf_counter()
            said, _ = decode(features, beam_size, settings.alpha, settings.max_length)
            seconds = time.perf_counter() - started
            scores = score_captions(said, references)
            rows[f"{split}-{beam_size}"] = {**scores, "decoding": seconds}
    return rows


def measure(row):
    """Train and score a row of the table: a DataFrame (search, seed, scores, costs)."""
    settings = load_settings(dataset="flickr8k", encoder=row.encoder)
    kind = "together" if row.together else "alone"
    seeds = "".join(map(str, row.seeds))
    path = FOLDER / f"scores-{kind}-{seeds}-{name_of(settings, row.reward)}.csv"
    if path.exists():
        return pd.read_csv(path)
    data = load_data(settings)
    members = []
    for seed in row.seeds:
        own = replace(settings, seed=seed)
        model, seconds = trained(own, data, reward=False)
        models = [model]
        if row.reward:
            model, more = trained(own, data, reward=True)
            seconds += more
            models = [*models, model] if row.together else [model]
        members.append((seed, models, seconds))
    if row.together:
        _, models, seconds = zip(*members, strict=True)
        members = [("all", sum(models, []), sum(seconds))]
    table = []
    for seed, models, seconds in members:
        for search, scores in score(models, data, settings).items():
            costs = {
                "features": data.seconds,
                "training": seconds,
                "parameters": sum(model.count_params() for model in models),
            }
            table.append(
                {"captioner": row.label, "search": search, "seed": seed, **scores, **costs}
            )
    save_table(path, pd.DataFrame(table))
    return pd.read_csv(path)


def with_deviation(values, digits=1):
    """ "19.5 ± 0.3" of several values, "19.5" of one."""
    text = f"{values.mean():.{digits}f}"
    return f"{text} ± {values.std():.{digits}f}" if len(values) > 1 else text


def markdown(results):
    """The tables of README.md: scores beside the published ones, then what they cost."""
    head = ["captioner", "search", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D"]
    scores, costs = [], []
    for label in results["captioner"].unique():
        ours = results[results["captioner"] == label].set_index("search")
        for search, name in (("test-3", "beam 3"), ("test-1", "greedy")):
            part = ours.loc[[search]]
            scores.append([label, name, *(with_deviation(part[column]) for column in SCORES)])
        means = ours.loc[["test-3"], ["features", "training", "decoding", "parameters"]].mean()
        seconds = (f"{value:,.0f} s" for value in means[:3])
        costs.append([label, *seconds, f"{means['parameters'] / 1e6:.1f} M"])
    for label, *values in PUBLISHED:
        cells = ["" if value is None else str(value) for value in values]
        scores.append([f"*{label}*", "", *cells])
    cost_head = ["captioner", "features", "training", "decoding", "parameters"]
    return markdown_table(head, scores) + "\n\n" + markdown_table(cost_head, costs)


def draw(results):
    """BLEU-4 and CIDEr-D of every captioner with beam search, beside the published ones."""
    ours = results[results["search"] == "test-3"].groupby("captioner", sort=False)
    mean, deviation = ours[["bleu_4", "cider_d"]].mean(), ours[["bleu_4", "cider_d"]].std()
    published = pd.DataFrame(PUBLISHED[::-1], columns=["captioner", *SCORES]).set_index("captioner")
    figure, axes = plt.subplots(1, 2, figsize=(11, 6.2), sharey=True)
    for axis, column, title in zip(axes, ("bleu_4", "cider_d"), ("BLEU-4", "CIDEr-D"), strict=True):
        values = pd.concat([published[column].astype(float), mean[column]])
        position = np.arange(len(values))
        colors = [QUIET] * len(published) + [COLORS[0]] * len(mean)
        axis.barh(position, values.fillna(0), color=colors, height=0.62)
        spread = deviation[column].fillna(0)  # one ensemble has none
        axis.errorbar(
            mean[column], position[len(published) :], xerr=spread, fmt="none", ecolor=INK, lw=1.2
        )
        ends = values.fillna(0) + spread.reindex(values.index, fill_value=0)
        for y, value, end in zip(position, values, ends, strict=True):
            text = "not published" if np.isnan(value) else f"{value:.1f}"
            axis.annotate(
                text, (end, y), xytext=(6, 0), textcoords="offset points", va="center", size=9
            )
        axis.set(title=title, yticks=position, yticklabels=values.index)
        axis.set_xlim(0, 1.15 * values.max())
        axis.grid(visible=False)
        axis.tick_params(axis="x", labelbottom=False)
        axis.spines["bottom"].set_visible(False)
    return figure


def main():
    """Train and score what is missing, then write the table and the chart."""
    tables = []
    for row in ROWS:
        tables.append(measure(row))
        best = tables[-1].groupby("search")[["bleu_4", "cider_d"]].mean().round(1)
        print(f"\n{row.label}\n{best.to_string()}", flush=True)
    results = pd.concat(tables, ignore_index=True)
    save_table(FIGURES / "results.csv", results.round(3))
    set_style()
    save_figure(draw(results), FIGURES, "results")
    write_table(ROOT / "README.md", "results", markdown(results))


if __name__ == "__main__":
    main()
