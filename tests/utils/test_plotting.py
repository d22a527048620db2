import cv2
import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from utils.errors import CourseError
from utils.model import build_model
from utils.plotting import save_figure, show_history, show_pictures
from utils.plotting_model import draw_model, show_gates
from utils.plotting_scores import show_ngrams, show_search_tree

matplotlib.use("Agg")


@pytest.fixture
def pictures(tmp_path):
    """Five small pictures of different shapes."""
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((20 + 5 * number, 30, 3), 40 * number, np.uint8))
    return paths


def texts_of(figure):
    """All words that a figure shows."""
    texts = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    return " ".join(" ".join(texts).split())


def test_every_caption_reference_and_mark_is_shown(pictures):
    captions = [f"caption number {n} that goes on for more than one line" for n in range(5)]
    references = [[f"first reference {n}", f"second reference {n}"] for n in range(5)]
    marks = [f"score {n}" for n in range(5)]
    figure = show_pictures(pictures, captions, references=references, marks=marks, title="Five")
    shown = texts_of(figure)
    for text in (*captions, *sum(references, []), *marks, "Five"):
        assert text in shown
    assert sum(bool(axis.images) for axis in figure.axes) == 5


def test_a_picture_may_come_in_any_kind(pictures):
    path, gray = pictures[1], np.full((25, 30), 40, np.uint8)
    kinds = [path, str(path), path.read_bytes(), Image.open(path), gray, np.dstack([gray] * 3)]
    figure = show_pictures(kinds, columns=3)
    for axis in figure.axes:
        shown = axis.images[0].get_array()
        assert shown.shape == (25, 30, 3) and (shown == 40).all()


@pytest.mark.parametrize("bad", ["gone.png", "notes.txt", None])
def test_what_cannot_be_shown_is_named(pictures, tmp_path, bad):
    (tmp_path / "notes.txt").write_text("no picture", "utf-8")
    with pytest.raises(CourseError, match=bad or "got None"):
        show_pictures([pictures[0], tmp_path / bad if bad else None])


def test_no_text_lies_on_another_or_outside(pictures):
    long = ["a rather long caption with so many words that it takes several lines to show"] * 5
    figure = show_pictures(pictures, long, references=[long] * 5, columns=2, title="Long")
    figure.canvas.draw()
    boxes = [
        text.get_window_extent()
        for text in figure.findobj(matplotlib.text.Text)
        if text.get_text().strip() and text.get_visible()
    ]
    width, height = figure.canvas.get_width_height()
    for index, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


def test_saving_leaves_the_layout_of_a_grid_alone(pictures, tmp_path):
    """What is drawn inline after saving: the title must not end up on the pictures."""
    with matplotlib.rc_context({"figure.constrained_layout.use": True}):
        figure = show_pictures(pictures, ["a caption"] * 5, title="Five")
        before = figure.axes[0].get_position().bounds
        save_figure(figure, tmp_path, "grid")
        figure.canvas.draw()
        assert figure.axes[0].get_position().bounds == pytest.approx(before)


def test_a_figure_is_saved_the_same_way_twice(tmp_path):
    history = pd.DataFrame({"epoch": [1, 2, 3], "loss": [3, 2, 1.5], "dev_loss": [3, 2.5, 2.7]})
    for name in ("one", "two"):
        save_figure(show_history(history), tmp_path, name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_the_curve_tells_its_best_epoch():
    history = pd.DataFrame({"epoch": [1, 2, 3], "loss": [3, 2, 1.5], "dev_loss": [3, 2.5, 2.7]})
    shown = texts_of(show_history(history, "300 captions"))
    assert "300 captions: best dev loss 2.500 (perplexity 12.2) in epoch 2" in shown


def test_the_drawing_names_every_layer(settings):
    model = build_model(6, 11, settings)
    shown = texts_of(draw_model(model))
    for layer in model.layers:
        assert layer.name in shown
    assert f"{model.get_layer('lstm').count_params():,} weights" in shown


def test_the_gates_of_the_same_units_stand_in_all_panels():
    rng = np.random.default_rng(0)
    cell, *gates = rng.random((4, 5, 9))  # 5 words, 9 units
    figure = show_gates([f"word{n}" for n in range(5)], cell, *gates, count=4)
    drawn = [axis.images[0].get_array() for axis in figure.axes[:4]]
    chosen = np.argsort(-gates[1].std(0))[:4]
    for array, panel in zip([*gates, np.tanh(cell)], drawn, strict=True):
        np.testing.assert_allclose(panel, array[:, chosen].T)
    for text in ("word0", "word4", "input gate", "forget gate", "output gate", "cell"):
        assert text in texts_of(figure)


def test_the_tree_of_a_search_shows_every_beginning_that_was_kept():
    words = ("<padding>", "<start>", "<end>", "<unknown>", "a", "dog", "cat")
    kept = [
        [(-0.5, [1, 4]), (-0.9, [1, 5])],
        [(-1.1, [1, 4, 6]), (-1.25, [1, 5, 2])],
        [(-1.4, [1, 4, 6, 2])],
    ]
    figure = show_search_tree(kept, words, greedy=[1, 4, 6, 2], best=[1, 5, 2])
    shown = texts_of(figure)
    for text in ("a -0.50", "dog -0.90", "cat -1.10", "<end> -1.25", "<end> -1.40"):
        assert text in shown
    colors = {text.get_text(): text.get_color() for text in figure.axes[0].texts}
    assert colors["dog\n-0.90"] == "C1" and colors["cat\n-1.10"] == "C0"


def test_ngrams_are_counted_and_colored():
    figure = show_ngrams(["a", "red", "dog"], [[True, False, True], [False, False]])
    shown = texts_of(figure)
    for text in ("red", "1-grams", "2 of 3", "0 of 2"):
        assert text in shown
    colors = [tuple(bars.get_facecolor()[0]) for bars in figure.axes[0].collections]
    assert len(colors) == 5 and len(set(colors)) == 2
    assert colors[0] == colors[2] != colors[1]
