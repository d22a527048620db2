"""The results table: three seeds of each captioner on Flickr8k, scored on the official test split.

    make results      # what is finished in data/runs/results is not repeated

Writes figures/results.csv, figures/results.png, the long table in benchmarks/README.md and the
short one in README.md.
"""

import time
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.runs import mark, prepared, values
from benchmarks.tables import markdown_table, write_table
from benchmarks.trained import ROWS, Row, captioners_of, path_of, settings_of
from commands.weights import get_weights
from utils.artifacts import save_table
from utils.consensus import CANDIDATES, NEIGHBORS, make_consensus
from utils.decoding import make_decoder
from utils.evaluation import WITH_CONSENSUS, describe_captions, search_captions
from utils.files import runs_root
from utils.plotting import COLORS, INK, QUIET, save_figure, set_style
from utils.run import Run
from utils.settings import FIGURES, ROOT, SEARCH_SETTINGS, Settings

SEARCHES = {"test-3": "beam 3", "test-consensus": WITH_CONSENSUS, "test-1": "greedy"}
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
BESIDE = "attention, ResNet101 fine-tuned, 1024 units (PyTorch)"  # ours in the short table
HEAD = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D")
SCORES = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d")


def scores_path_of(row: Row, settings: Settings) -> Path:
    """Return where the scores of a row are kept: another search has another name."""
    models = [path_of(replace(settings, seed=seed), row.reward).name for seed in row.seeds]
    searches = values(settings, SEARCH_SETTINGS), CANDIDATES, NEIGHBORS
    number = mark(models, row.together, *searches)
    return runs_root() / "results" / f"scores-{settings.encoder}-{number}.csv"


def score(models: list, run: Run, settings: Settings) -> dict[str, dict[str, float]]:
    """Score dev and test: greedy and beam search, with consensus; the seconds are with it."""
    decode = make_decoder(models, run.vocabulary())
    choose = make_consensus(*run.pictures_of("train")[1:])
    rows = {}
    for split in ("dev", "test"):
        _, features, references = run.pictures_of(split)
        decode(features[:2], settings.beam_size)  # building the graph is not decoding
        for how in ((1, False), (settings.beam_size, False), (CANDIDATES, True)):
            started = time.perf_counter()
            said = search_captions(decode, choose, features, settings, how)
            seconds = time.perf_counter() - started
            search = "consensus" if how[1] else how[0]
            rows[f"{split}-{search}"] = {**describe_captions(said, references), "decoding": seconds}
    return rows


def measure(row: Row, settings: Settings) -> pd.DataFrame:
    """Train and score a row of the table: a DataFrame (captioner, search, seed, scores, costs)."""
    path = scores_path_of(row, settings)
    if not path.exists():
        run = prepared(settings)
        extraction = run.manifest("features.npy")["seconds"]
        table = []
        for seed, models, seconds in captioners_of(row, settings, run):
            costs = {
                "features": extraction,
                "training": seconds,
                "parameters": sum(model.count_params() for model in models),
            }
            for search, scores in score(models, run, settings).items():
                table.append({"search": search, "seed": seed, **scores, **costs})
        save_table(path, pd.DataFrame(table))
    return pd.read_csv(path).assign(captioner=row.label)


def with_deviation(scores: pd.Series) -> str:
    """Return "19.5 ± 0.3" for several values, "19.5" for one."""
    text = f"{scores.mean():.1f}"
    return f"{text} ± {scores.std():.1f}" if len(scores) > 1 else text


def cells_of(results: pd.DataFrame, label: str, search: str) -> list[str]:
    """Return the scores of a captioner, as they stand in the tables."""
    part = results[results["captioner"].eq(label) & results["search"].eq(search)]
    return [with_deviation(part[column]) for column in SCORES]


def published_cells() -> dict[str, list[str]]:
    """Return the published scores, as they stand in the tables, by label."""
    return {label: ["" if v is None else str(v) for v in scores] for label, *scores in PUBLISHED}


def markdown(results: pd.DataFrame) -> str:
    """Return the tables of benchmarks/README.md: scores beside published ones, then costs."""
    scores, costs = [], []
    for label in results["captioner"].unique():
        for search, name in SEARCHES.items():
            if not results.query("search == @search").empty:
                scores.append([label, name, *cells_of(results, label, search)])
        part = results[results["captioner"].eq(label) & results["search"].eq("test-3")]
        seconds = (f"{part[cost].mean():,.0f} s" for cost in ("features", "training", "decoding"))
        costs.append([label, *seconds, f"{part['parameters'].mean() / 1e6:.1f} M"])
    scores += [[f"*{label}*", "", *cells] for label, cells in published_cells().items()]
    cost_head = ["captioner", "features", "training", "decoding", "parameters"]
    long = markdown_table(["captioner", "search", *HEAD], scores)
    return long + "\n\n" + markdown_table(cost_head, costs)


def short_markdown(results: pd.DataFrame) -> str:
    """Return the table of README.md: beam search, with consensus, and the best attention model."""
    rows = []
    for label in (row.label for row in ROWS if row.short):
        rows.append([label, *cells_of(results, label, "test-3")])
        if not results.query("search == 'test-consensus'").empty:
            chosen = cells_of(results, label, "test-consensus")
            rows.append([f"{label}, {WITH_CONSENSUS}", *chosen])
    rows.append([f"*{BESIDE}*", *published_cells()[BESIDE]])
    return markdown_table(["captioner", *HEAD], rows)


def draw(results: pd.DataFrame) -> Figure:
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


def main() -> None:
    """Train and score what is missing, then write the tables and the chart."""
    wanted = [(row, settings_of(row.encoder)) for row in ROWS]
    get_weights(Run(own) for row, own in wanted if not scores_path_of(row, own).exists())
    tables = []
    for row in ROWS:
        tables.append(measure(row, settings_of(row.encoder)))
        best = tables[-1].groupby("search")[["bleu_4", "cider_d"]].mean().round(1)
        print(f"\n{row.label}\n{best.to_string()}", flush=True)
    results = pd.concat(tables, ignore_index=True)
    save_table(FIGURES / "results.csv", results.round(3))
    set_style()
    save_figure(draw(results), FIGURES, "results")
    write_table(ROOT / "benchmarks" / "README.md", "results", markdown(results))
    write_table(ROOT / "README.md", "short results", short_markdown(results))


if __name__ == "__main__":
    main()
