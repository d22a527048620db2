"""How the results of `benchmarks.results` are shown: tables of the pages, and the chart."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmarks.captions import BEAM, SEARCHES
from benchmarks.tables import markdown_table, write_table
from benchmarks.trained import ROWS
from utils.evaluation import WITH_CONSENSUS
from utils.metrics.resampling import SCORES
from utils.plotting import COLORS, INK, PAPER, QUIET
from utils.settings import ROOT

BESIDE = "adaptive attention, tuned ResNet152 (PyTorch)"  # ours in the short table and the chart
PUBLISHED = (
    # Label, then BLEU-1 to 4, ROUGE-L and CIDEr-D as far as published. Sources: README.md.
    ("ClipCap, CLIP + GPT-2 (beyond LSTMs)", 70.0, 51.3, 37.2, 26.2, 56.9, None),
    (BESIDE, None, None, None, 23.5, None, 58.9),
    ("attention, ResNet101 fine-tuned, 1024 units (PyTorch)", 63.0, 45.4, 31.9, 22.0, 48.1, 58.6),
    ("attention, ResNet50 (PyTorch)", 60.0, 42.3, 29.3, 20.1, 45.6, 52.7),
    ("hard attention, VGG19 (Xu 2015)", 67, 45.7, 31.4, 21.3, None, None),
    ("soft attention, VGG19 (Xu 2015)", 67, 44.8, 29.9, 19.5, None, None),
    ("init-inject, VGG16 (Tanti 2018)", 61.1, 42.4, 28.5, 19.1, 44.5, 48.1),
    ("merge model, VGG16 (Tanti 2018)", 60.0, 41.3, 27.3, 17.8, 44.4, 46.9),
    ("Show and Tell, GoogLeNet (Vinyals 2015)", 63, 41, 27, None, None, None),
    ("NeuralTalk, VGG16 (Karpathy 2015)", 57.9, 38.3, 24.5, 16.0, None, None),
)
HEAD = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D")
LIGHT = "#8fb3c4"  # beam search in the chart, beside COLORS[0] with consensus
YELLOW = COLORS[4]  # floor and ceiling, as in notebook 06


def write_pages(results: pd.DataFrame, gains: pd.DataFrame) -> None:
    """Write all tables into the pages.

    Args:
        results: A row per captioner, search and split, as `benchmarks.results` measures them; the
            search of floor and ceiling is "".
        gains: What `Results.gains` returned.
    """
    page, test = ROOT / "benchmarks" / "README.md", results[results["split"] == "test"]
    write_table(page, "results", scores_markdown(test))
    write_table(page, "differences", gains_markdown(gains))
    write_table(page, "variety", variety_markdown(test))
    write_table(page, "costs", costs_markdown(test))
    write_table(ROOT / "README.md", "short results", short_markdown(test))


def ordered(test: pd.DataFrame) -> list[dict]:
    """Return the rows captioner by captioner, the searches of each in the order of `SEARCHES`."""
    place = {search: number for number, search in enumerate(SEARCHES)}
    labels = test["captioner"].unique().tolist()
    keys = test["captioner"].map(labels.index), test["search"].map(place).fillna(0)
    return test.iloc[np.lexsort(keys[::-1])].to_dict("records")


def score_cells(row: dict) -> list[str]:
    """Return six scores: "19.5 ± 0.3", or "19.5" where there is a single one."""
    cells = []
    for score in SCORES:
        deviation = row[f"{score}_sd"]
        cells.append(f"{row[score]:.1f}" + ("" if np.isnan(deviation) else f" ± {deviation:.1f}"))
    return cells


def published_cells() -> dict[str, list[str]]:
    """Return the published scores, as they stand in the tables, by label."""
    return {label: ["" if v is None else str(v) for v in scores] for label, *scores in PUBLISHED}


def scores_markdown(test: pd.DataFrame) -> str:
    """Return the table of scores, their intervals beside them, published ones below."""
    rows = []
    for row in ordered(test):
        ends = [f"{row[f'{s}_low']:.1f} to {row[f'{s}_high']:.1f}" for s in ("bleu_4", "cider_d")]
        rows.append([row["captioner"], row["search"], *score_cells(row), *ends])
    rows += [[f"*{label}*", "", *cells, "", ""] for label, cells in published_cells().items()]
    head = ["captioner", "search", *HEAD, "BLEU-4, 95 %", "CIDEr-D, 95 %"]
    return markdown_table(head, rows)


def gains_markdown(gains: pd.DataFrame) -> str:
    """Return the table of differences, in bold what is more than the choice of the pictures."""
    rows = []
    for row in gains.to_dict("records"):
        cells = [row["captioner"], row["over"]]
        for score in ("bleu_4", "cider_d"):
            low, high = row[f"{score}_low"], row[f"{score}_high"]
            gain = signed(row[score]) if low <= 0 <= high else f"**{signed(row[score])}**"
            cells.append(f"{gain} ({signed(low)} to {signed(high)})")
        rows.append(cells)
    return markdown_table(["captioner", "over", "BLEU-4", "CIDEr-D"], rows)


def signed(gain: float) -> str:
    """Return "+1.0" or "−1.0", and "0.0" for what is rounded to it."""
    text = f"{gain:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def variety_markdown(test: pd.DataFrame) -> str:
    """Return the table of what is in the captions."""
    rows = [
        [
            row["captioner"],
            row["search"],
            f"{row['mean_length']:.1f}",
            f"{row['distinct_captions']:.0f}",
            f"{row['different_words']:.0f}",
            f"{row['in_train']:.1f} %",
            f"{row['looping']:.1f} %",
        ]
        for row in ordered(test)
    ]
    columns = ("words per caption", "different captions", "different words", "in train", "looping")
    return markdown_table(["captioner", "search", *columns], rows)


def costs_markdown(test: pd.DataFrame) -> str:
    """Return the table of seconds and parameters of what was trained here."""
    rows = []
    for row in test[test["search"] == BEAM].dropna(subset=["training"]).to_dict("records"):
        seconds = (f"{row[cost]:,.0f} s" for cost in ("features", "training", "decoding"))
        rows.append([row["captioner"], *seconds, f"{row['parameters'] / 1e6:.1f} M"])
    return markdown_table(["captioner", "features", "training", "decoding", "parameters"], rows)


def short_markdown(test: pd.DataFrame) -> str:
    """Return the table of README.md: beam search, with consensus, and the best published LSTM."""
    short, rows = [row.label for row in ROWS if row.short], []
    for row in ordered(test):
        if row["captioner"] in short and row["search"] in (BEAM, WITH_CONSENSUS):
            end = f", {WITH_CONSENSUS}" if row["search"] == WITH_CONSENSUS else ""
            rows.append([row["captioner"] + end, *score_cells(row)])
    rows.append([f"*{BESIDE}*", *published_cells()[BESIDE]])
    return markdown_table(["captioner", *HEAD], rows)


def bars_of(test: pd.DataFrame) -> list[tuple[str, list[tuple[str, dict]]]]:
    """Return what the chart shows, from bottom to top: labels, and of each its colors and rows."""
    published = [
        (label, [(QUIET, dict(zip(SCORES, scores, strict=True)))])
        for label, *scores in PUBLISHED[::-1]
    ]
    floors, ours = [], []
    for label in test["captioner"].unique():
        rows = {row["search"]: row for row in ordered(test[test["captioner"] == label])}
        if "" in rows:
            floors.append((label, [(YELLOW, rows[""])]))
        else:
            shown = ((LIGHT, BEAM), (COLORS[0], WITH_CONSENSUS))
            ours.append((label, [(color, rows[s]) for color, s in shown if s in rows]))
    # The best on top: the captioner that comes with the course is there with a single search.
    return floors + published + sorted(ours, key=lambda bar: len(bar[1]))


def draw(results: pd.DataFrame) -> Figure:
    """Draw BLEU-4 and CIDEr-D of every captioner, with intervals, beside the published ones."""
    bars = bars_of(results[results["split"] == "test"])
    beside = next(rows[0][1] for label, rows in bars if label == BESIDE)
    figure, axes = plt.subplots(1, 2, figsize=(11, 0.46 * len(bars) + 1.1), sharey=True)
    for axis, column, title in zip(axes, ("bleu_4", "cider_d"), ("BLEU-4", "CIDEr-D"), strict=True):
        for place, (_, rows) in enumerate(bars):
            height = 0.74 / len(rows)
            for number, (color, row) in enumerate(rows):
                y = place + height * ((len(rows) - 1) / 2 - number)
                draw_bar(axis, y, height, color, row, column)
        line = axis.axvline(beside[column], color=INK, lw=0.9, ls=":", label=BESIDE)
        labels = [textwrap.fill(label, 46) for label, _ in bars]
        axis.set(title=title, yticks=range(len(bars)), yticklabels=labels)
        axis.set(ylim=(-0.7, len(bars) - 0.3), xlim=(0, 1.09 * axis.get_xlim()[1]))
        axis.grid(visible=False)
        axis.tick_params(axis="x", labelbottom=False)
        axis.tick_params(axis="y", labelsize=9)
        axis.spines["bottom"].set_visible(False)
    names = {BEAM: LIGHT, WITH_CONSENSUS: COLORS[0], "floor, ceiling": YELLOW, "published": QUIET}
    handles = [*(Patch(color=color, label=name) for name, color in names.items()), line]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure


def draw_bar(axis: Axes, place: float, height: float, color: str, row: dict, column: str) -> None:
    """Draw a score with its interval, if it has one, and write it at the end."""
    value, end = row[column], row.get(f"{column}_high", row[column])
    if value is None:
        value = end = 0
    axis.barh(place, value, color=color, height=height)
    if f"{column}_low" in row:
        axis.plot([row[f"{column}_low"], end], [place, place], color=INK, lw=1.1)
    text = "not published" if row[column] is None else f"{value:.1f}"
    axis.annotate(
        text, (end, place), xytext=(5, 0), textcoords="offset points", va="center", size=8,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip
