"""Figures of the model: its layers, and the gates of its LSTM (notebook 04)."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure


def draw_model(model: Any) -> Figure:
    """Draw the merge model of `utils.model.build_model` from top to bottom, a box per layer.

    A box holds the layer's name, kind, output shape and number of weights. Taught in notebook 04.
    """
    picture = ["features", "standardize", "features_dropout", "picture", "picture_per_word"]
    there = {layer.name for layer in model.layers}
    picture = [name for name in picture if name in there]  # dropout of features is optional
    words = ["tokens", "embedding", "embedding_dropout", "lstm", "lstm_dropout"]
    merged = ["merge", "fully_connected", "fully_connected_dropout", "logits"]
    figure, axis = plt.subplots(figsize=(10, 7.2))
    axis.set(xlim=(0, 1), ylim=(8.6, -0.6))
    axis.axis("off")
    columns = ((0.25, 5 - len(picture), picture), (0.75, 0, words), (0.5, 5, merged))
    for (x, first, names), color in zip(columns, ("C0", "C1", "C2"), strict=True):
        for y, name in enumerate(names, first):
            _draw_layer(axis, model.get_layer(name), x, y, color)
        for y in range(first, first + len(names) - 1):
            _draw_arrow(axis, (x, y + 0.26), (x, y + 0.74))
    for x, end in ((0.25, 0.43), (0.75, 0.57)):
        _draw_arrow(axis, (x, 4.26), (end, 4.74))
    return figure


def _draw_layer(axis, layer, x, y, color):
    box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": color, "linewidth": 1.6}
    shape = " × ".join(str(size or "T") for size in layer.output.shape[1:])
    kind = type(layer).__name__.replace("InputLayer", "Input")
    text = f"{layer.name}\n{kind}   [N × {shape}]"
    if layer.count_params():
        text += f"   {layer.count_params():,} weights"
    axis.text(x, y, text, ha="center", va="center", size=8.5, bbox=box, linespacing=1.4)


def _draw_arrow(axis, start, end):
    arrow = {"arrowstyle": "-|>", "color": plt.rcParams["text.color"]}
    axis.annotate("", end, xytext=start, arrowprops=arrow)


def show_gates(
    words: Sequence[str],
    cell: np.ndarray,
    input_gate: np.ndarray,
    forget_gate: np.ndarray,
    output_gate: np.ndarray,
    count: int = 12,
) -> Figure:
    """Draw what happens in an LSTM along a caption: a panel per gate and one for the cell.

    Args:
        words: The T words that were read.
        cell: float [T, U], the memory after each word; its tanh is drawn, from -1 to 1.
        input_gate, forget_gate, output_gate: float [T, U] from 0 (closed) to 1 (open).
        count: Units to draw, those whose forget gate varies most; a row is the same unit in all
            panels.

    Taught in notebook 04.
    """
    panels = {"input gate": input_gate, "forget gate": forget_gate, "output gate": output_gate}
    liveliest = np.argsort(-forget_gate.std(0), kind="stable")[:count]
    figure, axes = plt.subplots(4, 1, figsize=(10, 7.2), sharex=True)
    for axis, (name, gate) in zip(axes, panels.items(), strict=False):
        gates = axis.imshow(gate[:, liveliest].T, cmap="mako", vmin=0, vmax=1, aspect="auto")
        axis.set_title(name)
    cells = np.tanh(cell[:, liveliest].T)
    memory = axes[3].imshow(cells, cmap="vlag", vmin=-1, vmax=1, aspect="auto")
    axes[3].set_title("tanh of the cell")
    axes[3].set_xticks(range(len(words)), words, rotation=45, ha="right")
    for axis in axes:
        axis.set(yticks=[], ylabel="unit")
        axis.grid(False)
    figure.colorbar(gates, ax=axes[:3], aspect=40, label="0 closed, 1 open")
    figure.colorbar(memory, ax=axes[3])
    return figure
