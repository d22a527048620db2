"""The page of notebook 08: pictures in, captions and what is behind them out."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from utils.captioner import Captioner, captioner_names, load_captioner
from utils.errors import CourseError
from utils.explain import next_words, word_maps
from utils.images import read_picture
from utils.plotting import PAPER
from utils.plotting_words import show_next_words, show_word_maps
from utils.vocabulary import join_characters

MOST_BYTES = 20_000_000  # of a picture file
SHOWN = (480, 480)  # pixels of a picture on the page, at most


def read_upload(name: str, content: bytes) -> np.ndarray:
    """Read a picture that somebody sent, as RGB uint8 [H, W, 3].

    Raises:
        CourseError: It is too large, or no picture; the sentence names it.
    """
    if len(content) > MOST_BYTES:
        raise CourseError(f"{name} has {len(content) / 1e6:.0f} MB: send at most 20 MB.")
    file = io.BytesIO(content)
    file.name = name  # for the sentence
    return read_picture(file)


def captions_table(names: Sequence[str], found: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return captions of pictures.

    Args:
        names: Of N pictures.
        found: For each a list of `Candidate`s, the best first.

    Returns:
        A DataFrame (image, rank, caption, log_probability, asked, confidence); the confidence is
        NaN where the captioner tells none.
    """
    rows = [
        (name, rank, join_characters(one.caption), one.log_probability, one.asked, one.confidence)
        for name, candidates in zip(names, found, strict=True)
        for rank, one in enumerate(candidates, 1)
    ]
    columns = ["image", "rank", "caption", "log_probability", "asked", "confidence"]
    return (
        pd.DataFrame(rows, columns=columns).astype({"confidence": float}).round({"confidence": 2})
    )


def odds(log_probability: float) -> str:
    """Say how probable a whole caption is: "1 in 1,234"; as a percentage it would be 0.08."""
    return f"1 in {np.exp(-log_probability):,.0f}"


def photo_page(pictures: Sequence[Any] = (), captioner: str = "pretrained") -> widgets.Widget:
    """Make the page: upload pictures, choose captioner and search, see and keep the captions.

    Uploaded pictures stay in memory and are gone with the kernel.

    Args:
        pictures: Paths of pictures to begin with.
        captioner: Name of the captioner to begin with, as `load_captioner` takes it.

    Returns:
        A widget, to be shown as the result of a cell.
    """
    upload, chosen, beam, several = controls = _controls(captioner)
    message, cards, keep = widgets.HTML(), widgets.VBox(), widgets.HTML()
    shown = {Path(path).name: read_picture(path) for path in pictures}
    loaded: dict[str, Captioner] = {}

    def take(change):
        if change["new"]:
            refused = _take(change["new"], shown)
            upload.value = ()  # what was read is not sent again with the next picture
            update(refused=refused)

    def update(change=None, refused=()):
        message.value = "working …"
        sentences = list(refused)
        try:
            if chosen.value not in loaded:
                loaded[chosen.value] = load_captioner(chosen.value)
            current, names = loaded[chosen.value], list(shown)
            found = current.caption(list(shown.values()), beam.value, several.value, True)
            cards.children = [
                _card(current, name, shown[name], candidates)
                for name, candidates in zip(names, found, strict=True)
            ]
            keep.value = _download(captions_table(names, found)) if names else ""
        except CourseError as error:
            sentences.append(str(error))
        if not shown:
            sentences.append("No picture yet: choose some with the button above.")
        message.value = "<br>".join(map(html.escape, sentences))

    upload.observe(take, "value")
    for control in (chosen, beam, several):
        control.observe(update, "value")
    update()
    bar = widgets.HBox(controls, layout={"flex_flow": "row wrap"})
    return widgets.VBox([bar, message, cards, keep])


def _controls(captioner):
    options = {"continuous_update": False}
    return [
        widgets.FileUpload(accept="image/*", multiple=True, description="Pictures"),
        widgets.Dropdown(options=captioner_names(), value=captioner, description="captioner"),
        widgets.IntSlider(3, 1, 10, description="beam size", **options),
        widgets.IntSlider(1, 1, 5, description="captions", **options),
    ]


def _take(files, shown):
    """Put uploaded pictures in front of those that are shown; return why some were refused."""
    new, refused = {}, []
    for file in files:
        try:
            new[file["name"]] = read_upload(file["name"], bytes(file["content"]))
        except CourseError as error:
            refused.append(str(error))
    before = {name: picture for name, picture in shown.items() if name not in new}
    shown.clear()
    shown.update(new | before)
    return refused


def _card(captioner, name, picture, candidates):
    """One picture with its captions, and two buttons for what is behind them."""
    small = Image.fromarray(picture)
    small.thumbnail(SHOWN)
    file = io.BytesIO()
    small.save(file, "jpeg", quality=88)
    image = widgets.Image(value=file.getvalue(), format="jpeg", layout={"width": "260px"})
    texts = [f"<small>{html.escape(name)}</small>"]
    for candidate in candidates:
        words = "".join(
            f'<span title="{probability:.1%}" style="padding:1px 3px;margin:1px;border-radius:3px;'
            f'background:rgba(80,150,190,{0.7 * probability:.2f})">{html.escape(word)}</span>'
            for word, probability in candidate.words
            if word != "<end>"
        )
        mark = '<small style="color:gray">unsure:</small> ' * candidate.unsure
        texts.append(f"{mark}<b>{words}</b><br><small>{_behind(candidate)}</small>")
    behind, best = widgets.VBox(), candidates[0]

    def show(figure):
        frame = {"border": f"10px solid {PAPER}", "max_width": "100%"}
        behind.children = [widgets.Image(value=_png(figure), format="png", layout=frame)]

    looks = widgets.Button(description="what each word looks at", layout={"width": "auto"})
    looks.on_click(lambda _: show(show_word_maps(picture, *word_maps(captioner, picture, best))))
    bars = widgets.Button(description="what else it might have said", layout={"width": "auto"})
    bars.on_click(lambda _: show(_alternatives(captioner, picture, best)))
    said = widgets.HTML("<br>".join(texts), layout={"max_width": "620px"})
    right = widgets.VBox([said, widgets.HBox([looks, bars])])
    row = widgets.HBox([image, right], layout={"flex_flow": "row wrap", "grid_gap": "16px"})
    return widgets.VBox([row, behind], layout={"margin": "12px 0"})


def _behind(candidate):
    """How probable a caption is, which word the CNN asked for, how sure its main noun is."""
    told = [odds(candidate.log_probability)]
    if candidate.asked:
        told.append(f"the CNN asked for “{html.escape(candidate.asked)}”")
    if candidate.confidence is not None:
        told.append(f"confidence {candidate.confidence:.0%}")
    return ", ".join(told)


def _alternatives(captioner, picture, candidate):
    """Next words at the three places of the caption where the model was least sure."""
    probabilities = [probability for _, probability in candidate.words]
    places = sorted(np.argsort(probabilities)[:3])
    words, learned = [word for word, _ in candidate.words], candidate.learned
    choices = [next_words(captioner, picture, " ".join(learned[:place])) for place in places]
    titles = [f"… {' '.join(words[max(0, n - 2) : n])}" if n else "first word" for n in places]
    return show_next_words(choices, titles)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=90)
    plt.close(figure)
    return file.getvalue()


def _download(table: pd.DataFrame) -> str:
    """A link that holds the table as CSV."""
    content = base64.b64encode(table.to_csv(index=False).encode()).decode()
    link = f'<a download="captions.csv" href="data:text/csv;base64,{content}">'
    return f"{link}Download the captions as CSV</a>"
