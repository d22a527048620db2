"""Figures: one style, grids of captioned pictures, curves, tables of tokens."""

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib_inline.backend_inline import set_matplotlib_formats

from utils.artifacts import atomic_path
from utils.fonts import OWN, complete_fonts
from utils.images import read_picture
from utils.vocabulary import join_characters

INK = "#23313f"
PAPER = "#f1f3f5"  # not white: no glare where JupyterLab or the book is dark
ACCENT = "#d1603d"
QUIET = "#9aa7b2"
# Texts below a picture: "inches" is the height of a line.
MARK: dict[str, Any] = {"size": 9, "weight": "bold", "color": ACCENT, "inches": 0.2}
CAPTION: dict[str, Any] = {"size": 9.5, "weight": "bold", "color": INK, "inches": 0.19}
REFERENCE: dict[str, Any] = {"size": 8.5, "weight": "normal", "color": "#4c5864", "inches": 0.17}
COLORS = ("#2f6f8f", ACCENT, "#6a994e", "#8e6c8a", "#e0a458", "#577590")
MAPS_OF_A_LAYER = 6


def set_style() -> None:
    """Give every figure the course's look: call it once at the top of a notebook."""
    if get_ipython():
        # Grids of pictures are a tenth of their PNG size, and saved notebooks stay small.
        set_matplotlib_formats("jpeg", pil_kwargs={"quality": 88})
    sns.set_theme(
        context="notebook",
        style="whitegrid",
        palette=list(COLORS),
        rc={
            "axes.edgecolor": QUIET,
            "axes.facecolor": PAPER,
            "axes.grid.axis": "y",
            "axes.labelcolor": INK,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlecolor": INK,
            "axes.titlelocation": "left",
            "axes.titlesize": 12,
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.dpi": 90,
            "figure.facecolor": PAPER,
            "figure.figsize": (9, 3.6),
            "font.family": OWN,
            "grid.color": "#dde2e7",
            "savefig.dpi": 110,
            "text.color": INK,
            "text.parse_math": False,  # a dollar sign in a caption is no formula
            "xtick.color": INK,
            "ytick.color": INK,
        },
    )


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as `<folder>/<name>.png`, atomically, in fonts that have its letters."""
    complete_fonts(figure)
    with atomic_path(folder / f"{name}.png") as temporary:
        # No date and no version inside: the same figure gives the same file.
        figure.savefig(temporary, metadata={"Software": None})


def show_pictures(
    pictures: Sequence[Any],
    texts: Sequence[str] | None = None,
    columns: int = 4,
    references: Sequence[Sequence[str]] | None = None,
    title: str | None = None,
    width: float = 3.0,
    marks: Sequence[str] | None = None,
    notes: Sequence[str] | None = None,
) -> Figure:
    """Draw a grid of pictures with a caption below each.

    Args:
        pictures: N pictures of any kind that `utils.images.read_picture` takes.
        texts: N captions, drawn bold below the pictures.
        columns: Pictures per row.
        references: N lists of human captions, drawn small and gray below the caption.
        title: Above the whole grid.
        width: Of one picture, in inches.
        marks: N short texts, drawn in the accent color in front of the caption (a score).
        notes: N short texts, drawn small and gray behind it; an empty one takes no room.
    """
    blocks = _blocks(len(pictures), width, marks, texts, notes, references)
    text_height = max(sum(len(lines) * style["inches"] for lines, style in b) for b in blocks)
    title_height = 0.45 if title else 0.0
    shown = [read_picture(picture) for picture in pictures]
    # A row is as high as its highest picture, so that landscapes leave no gap below them.
    tall = [min(1.0, len(picture) / picture.shape[1]) for picture in shown]
    tall = [max(tall[first : first + columns]) for first in range(0, len(tall), columns)]
    heights = [width * part + 0.25 + text_height for part in tall]
    height = sum(heights) + title_height
    # With layout="none", saving the figure hands it to the constrained layout of `set_style`.
    own_layout = PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=True)
    shape: dict[str, Any] = {"figsize": (columns * width, height), "height_ratios": heights}
    figure, axes = plt.subplots(len(tall), columns, squeeze=False, layout=own_layout, **shape)
    figure.subplots_adjust(0.005, 0, 0.995, 1 - title_height / height, wspace=0.05, hspace=0)
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, picture, block) in enumerate(zip(axes.flat, shown, blocks, strict=False)):
        _show_in_box(axis, picture, tall[index // columns])
        _write_below(axis, block)
    if title:
        top = 1 - 0.1 / height
        figure.suptitle(title, x=0.008, y=top, ha="left", va="top", weight="bold", size=13)
    complete_fonts(figure)
    return figure


def _blocks(count, width, marks, texts, notes, references):
    """What stands below each picture: its lines, wrapped to a width in inches, with their style."""
    blocks = []
    for index in range(count):
        mark = [marks[index]] if marks is not None else []
        bold = _wrap(texts[index], int(width * 11.8)) if texts is not None else []
        small = [notes[index]] if notes is not None and notes[index] else []
        small += _bullets(references[index], int(width * 14)) if references else []
        blocks.append([(mark, MARK), (bold, CAPTION), (small, REFERENCE)])
    return blocks


def _bullets(texts, width):
    """Lines of a list, each text with a dash in front."""
    lines = [_wrap(f"– {text}", width, subsequent_indent="   ") for text in texts]
    return sum(lines, [])


def _wrap(text, columns, **options):
    """Lines of a text; Chinese characters stand without blanks and are as wide as two letters."""
    text = join_characters(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    columns = columns * len(text) // (len(text) + wide) if wide else columns
    return textwrap.wrap(text, columns, **options)


def _show_in_box(axis, picture, tall):
    """Show a picture in the middle of a box of a height in widths: texts stand at one height."""
    height, width = picture.shape[:2]
    side = max(width, height / tall)
    axis.imshow(picture)
    axis.set(xlim=((width - side) / 2, (width + side) / 2))
    axis.set(ylim=((height + side * tall) / 2, (height - side * tall) / 2), anchor="N")


def _write_below(axis, block):
    below = 0.08
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "left", "va": "top"}
    for lines, style in block:
        font = {name: style[name] for name in ("size", "weight", "color")}
        text = "\n".join(lines)
        axis.annotate(text, (0.01, 0), (0, -72 * below), linespacing=1.2, **place, **font)
        below += len(lines) * style["inches"]


def show_history(history: pd.DataFrame, title: str = "Loss per word") -> Figure:
    """Draw train and dev loss of a table (epoch, loss, dev_loss), the best epoch marked."""
    figure, axis = plt.subplots()
    epoch, dev_loss = history.loc[history["dev_loss"].idxmin(), ["epoch", "dev_loss"]]
    axis.plot(history["epoch"], history["loss"], marker="o", label="train")
    axis.plot(history["epoch"], history["dev_loss"], marker="o", label="dev")
    axis.axvline(epoch, color=QUIET, linestyle=":")
    told = f"best dev loss {dev_loss:.3f} (perplexity {np.exp(dev_loss):.1f}) in epoch {epoch:.0f}"
    axis.set(title=f"{title}: {told}", xlabel="epoch", ylabel="cross-entropy (nats)")
    axis.locator_params("x", integer=True)
    axis.legend(frameon=False)
    return figure


def show_feature_maps(picture: np.ndarray, maps: Mapping[str, np.ndarray]) -> Figure:
    """Draw what some layers of a CNN make of one picture: a row per layer.

    Args:
        picture: uint8 [S, S, 3], RGB.
        maps: Dict from layer name to its feature maps [H, W, C]. Of each layer the maps that
            vary most are drawn, each on its own scale from dark (low) to light (high).
    """
    size = (1.3 * (MAPS_OF_A_LAYER + 1), 1.46 * len(maps))
    figure, axes = plt.subplots(len(maps), MAPS_OF_A_LAYER + 1, figsize=size, squeeze=False)
    for row, (name, layer) in zip(axes, maps.items(), strict=True):
        height, width, channels = layer.shape
        _show_panel(row[0], picture, f"{name}: {channels} maps of {height} × {width}")
        liveliest = np.argsort(-layer.std((0, 1)), kind="stable")[:MAPS_OF_A_LAYER]
        for axis, channel in zip(row[1:], liveliest, strict=False):
            axis.imshow(layer[:, :, channel], cmap="mako", interpolation="nearest")
        for axis in row:
            axis.axis("off")
    return figure


def _show_panel(axis, picture, title):
    axis.imshow(picture)
    axis.set_title(title, size=9, weight="normal")
    axis.axis("off")


def show_quadrants(picture: np.ndarray, cells: int = 7, window: int = 4, stride: int = 3) -> Figure:
    """Draw the windows over which `quadrant_means` averages, on the picture they look at.

    Args:
        picture: uint8 [S, S, 3], RGB.
        cells: Rows and columns of the feature map.
        window: Rows and columns of a window.
        stride: Cells from one window to the next.
    """
    starts = range(0, cells - window + 1, stride)
    windows = [(row, column) for row in starts for column in starts]
    titles = [f"the {cells} × {cells} cells", *(f"window {n + 1}" for n in range(len(windows)))]
    figure, axes = plt.subplots(1, len(titles), figsize=(1.9 * len(titles), 2.15))
    size = len(picture)
    for axis, title in zip(axes, titles, strict=True):
        _show_panel(axis, picture, title)
        for line in range(1, cells):
            axis.axhline(line * size / cells, color="white", linewidth=0.6)
            axis.axvline(line * size / cells, color="white", linewidth=0.6)
    for axis, (row, column) in zip(axes[1:], windows, strict=True):
        shade = np.full((cells, cells, 4), (1, 1, 1, 0.75))
        shade[row : row + window, column : column + window] = 0
        axis.imshow(shade, extent=(0, size, size, 0), interpolation="nearest")
    return figure


def show_tokens(tokens: np.ndarray, words: Sequence[str]) -> Figure:
    """Draw tokens int [N, T] as a table of colored cells, each with its word and number.

    `words` are the vocabulary's: `words[token]`; the first four are special tokens.
    """
    count, length = tokens.shape
    # Padding and the other special tokens have colors of their own; words share one.
    colors = ("#eef1f4", "#bcd8e6", "#f0c3b2", "#f3dcae", "#ffffff")
    figure, axis = plt.subplots(figsize=(max(0.82 * length, 4), 0.5 * count + 0.5))
    cells = to_rgba_array(colors)[np.minimum(tokens, 4)]
    axis.imshow(cells, aspect="auto", interpolation="nearest")
    for (row, column), token in np.ndenumerate(tokens):
        color = QUIET if token == 0 else INK
        text = f"{words[token]}\n{token}"
        axis.text(column, row, text, ha="center", va="center", size=7, color=color)
    axis.set(xticks=range(length), yticks=range(count), xlabel="position", ylabel="caption")
    axis.grid(False)
    axis.set_xticks(np.arange(length + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axis.grid(True, which="minor", axis="both", color=QUIET, linewidth=0.5)
    axis.tick_params(length=0, which="both")
    return figure
