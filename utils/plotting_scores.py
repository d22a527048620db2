"""Figures of searches and scores: the tree of a beam search, n-grams of a caption."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Patch

FAINT = "0.6"  # a gray that can be read on a light and on a dark page


def show_search_tree(
    kept: Sequence[Sequence[tuple[float, Sequence[int]]]],
    words: Sequence[str],
    greedy: Sequence[int],
    best: Sequence[int],
) -> Figure:
    """Draw which beginnings of a caption a beam search kept: a column per word.

    Args:
        kept: Of each step the hypotheses that went on or ended, the most probable first, as pairs
            (log-probability in nats, tokens from the start token on).
        words: The vocabulary's: `words[token]`.
        greedy: Tokens of the greedy caption; its way is drawn in the first color.
        best: Tokens of the caption that the search chose; its way is drawn in the second color.

    Taught in notebook 06.
    """
    places: dict[tuple[int, ...], tuple[int, int]] = {(best[0],): (0, 0)}
    for x, hypotheses in enumerate(kept, 1):
        places |= {tuple(tokens): (x, y) for y, (_, tokens) in enumerate(hypotheses)}
    lanes = max(len(hypotheses) for hypotheses in kept)
    figure, axis = plt.subplots(figsize=(11, 0.75 * lanes + 0.9))
    axis.set(xlim=(-0.4, len(kept) + 0.5), ylim=(lanes - 0.4, -0.6))
    axis.axis("off")
    for hypotheses in kept:
        for total, tokens in hypotheses:
            color = _color_of(tuple(tokens), tuple(best), tuple(greedy))
            _draw_edge(axis, places[tuple(tokens[:-1])], places[tuple(tokens)], color)
            _write_word(axis, places[tuple(tokens)], words[tokens[-1]], total, color)
    colors = {
        "what both have": "C2",
        "beam search": "C1",
        "greedy search": "C0",
        "dropped or beaten": FAINT,
    }
    handles = [Patch(color=color, label=name) for name, color in colors.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _color_of(tokens, best, greedy):
    chosen, taken = best[: len(tokens)] == tokens, greedy[: len(tokens)] == tokens
    return "C2" if chosen and taken else "C1" if chosen else "C0" if taken else FAINT


def _draw_edge(axis, parent, child, color):
    axis.plot(*zip(parent, child, strict=True), color=color, linewidth=1.4, alpha=0.6, zorder=1)


def _write_word(axis, place, word, total, color):
    box = {"boxstyle": "round,pad=0.2", "facecolor": plt.rcParams["figure.facecolor"]}
    weight = "normal" if color == FAINT else "bold"
    text = f"{word}\n{total:.2f}"
    axis.text(
        *place, text, ha="center", va="center", size=8.5, color=color, weight=weight,
        bbox=box | {"edgecolor": color}, linespacing=1.2,
    )  # fmt: skip


def show_ngrams(words: Sequence[str], counted: Sequence[Sequence[bool]]) -> Figure:
    """Draw every n-gram of a caption as a bar below its words, colored by whether it counts.

    Args:
        words: The caption's words.
        counted: For n = 1, 2, ..., whether each n-gram, in order, is found in a reference.

    Taught in notebook 06.
    """
    lanes = sum(range(1, len(counted) + 1))
    figure, axis = plt.subplots(figsize=(10, 0.24 * lanes + 0.9))
    axis.set(xlim=(-1.2, len(words) + 1.2), ylim=(lanes + 0.8, -1.2))
    axis.axis("off")
    for place, word in enumerate(words):
        axis.text(place + 0.5, -0.6, word, ha="center", va="center", size=9.5, weight="bold")
    top = 0
    for n, found in enumerate(counted, 1):
        axis.text(-0.2, top + n / 2, f"{n}-grams", ha="right", va="center", size=9)
        told = f"{sum(found)} of {len(found)}"
        axis.text(len(words) + 0.2, top + n / 2, told, ha="left", va="center", size=9)
        for place, right in enumerate(found):
            # n-grams that overlap stand one below the other.
            bar = [(place + 0.06, n - 0.12)]
            color = "C2" if right else "C1"
            axis.broken_barh(bar, (top + place % n + 0.15, 0.65), color=color)
        top += n
    handles = [Patch(color="C2", label="in a reference"), Patch(color="C1", label="in none")]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure
