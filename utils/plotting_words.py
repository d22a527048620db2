"""Figures about single words: what each looks at, how probable each is (notebooks 06 to 08)."""

from collections.abc import Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.fonts import complete_fonts
from utils.plotting import COLORS, INK, QUIET

SHOWN = 280  # pixels of a picture in these figures


def show_word_maps(
    picture: np.ndarray, words: Sequence[str], maps: np.ndarray, columns: int = 6
) -> Figure:
    """Draw a picture once per word, in color where covering it makes the word less probable.

    All words share one scale, so that a word that looks at nothing stays pale. The number is the
    largest fall.

    Args:
        picture: uint8 [H, W, 3], RGB.
        words: T words.
        maps: float [T, P, P], nats, of `utils.explain.word_maps`.
        columns: Pictures in a row.
    """
    rows = -(-(len(words) + 1) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 1.75 * rows), squeeze=False)
    small = cv2.resize(picture, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA)
    highest = max(float(maps.max(initial=0)), 1.0)  # a fall below one nat is faint
    for axis in axes.flat:
        axis.axis("off")
    axes.flat[0].imshow(small)
    axes.flat[0].set_title("the picture", size=9, weight="normal")
    pale = 165 + 0.35 * small.mean(2, keepdims=True)
    for axis, word, fall in zip(axes.flat[1:], words, maps, strict=False):
        color = cv2.resize((fall.clip(0) / highest).astype(np.float32), (SHOWN, SHOWN))[..., None]
        axis.imshow((pale + (small - pale) * color).astype(np.uint8))
        axis.set_title(f"{word}  {fall.max():.1f}", size=10)
    complete_fonts(figure)
    return figure


def show_next_words(
    choices: Sequence[Sequence[tuple[str, float]]], titles: Sequence[str]
) -> Figure:
    """Draw the probabilities of next words as bars, one panel beside the other.

    Args:
        choices: Per panel pairs of word and probability, the most probable first.
        titles: What stands above each panel.
    """
    count = max(len(pairs) for pairs in choices)
    widest = 1.2 * max(probability for pairs in choices for _, probability in pairs)
    figure, axes = plt.subplots(
        1, len(choices), figsize=(9, 0.28 * count + 0.9), sharex=True, squeeze=False
    )
    for axis, pairs, title in zip(axes.flat, choices, titles, strict=True):
        words, probabilities = zip(*pairs, strict=True)
        bars = axis.barh(range(len(words)), probabilities, color=COLORS[0])
        axis.bar_label(bars, [f"{p:.0%}" for p in probabilities], padding=3, size=8, color=INK)
        axis.set_yticks(range(len(words)), words)
        axis.invert_yaxis()
        axis.set(title=title, xlim=(0, widest), xticks=[])
        axis.spines["bottom"].set_visible(False)
        axis.tick_params(length=0, color=QUIET)
        axis.grid(False)
    complete_fonts(figure)
    return figure
