import io
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from utils import photo_page as page
from utils.captioner import Candidate
from utils.errors import CourseError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def encoded(size=(40, 30), color=(200, 30, 30)):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "png")
    return file.getvalue()


@pytest.mark.parametrize("content", [b"", b"no picture", encoded()[:60]])
def test_what_is_no_picture_is_refused_by_name(content):
    with pytest.raises(CourseError, match="notes.txt is (empty|damaged)"):
        page.read_upload("notes.txt", content)


def test_too_large_uploads_are_refused(monkeypatch):
    monkeypatch.setattr(page, "MOST_BYTES", 50)
    with pytest.raises(CourseError, match="big.png has .* MB: send at most 20 MB"):
        page.read_upload("big.png", encoded())
    monkeypatch.undo()
    # 400 million pixels in 400 kB: never decoded.
    with pytest.raises(CourseError, match="bomb.png is too large: it has over 100 million pixels"):
        page.read_upload("bomb.png", encoded((20_000, 20_000)))


class Stub:
    """Says how many captions were asked for, and names the beam size."""

    def caption(self, pictures, beam_size, several, details):
        return [
            [Candidate(f"beam {beam_size}", -1.0 - n, (("beam", 0.5), ("<end>", 0.9)))] * 1
            for n in range(len(pictures))
        ]


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.setattr(page, "load_captioner", lambda name: Stub())
    return page.photo_page()


def send(shown, **files):
    upload = shown.children[0].children[0]
    upload.value = [
        {
            "name": name,
            "type": "image/png",
            "size": len(data),
            "content": data,
            "last_modified": NOW,
        }
        for name, data in files.items()
    ]


def test_without_a_picture_the_page_says_so(shown):
    _, message, cards, keep = shown.children
    assert "No picture yet" in message.value and not cards.children and not keep.value


def test_uploaded_pictures_get_captions_and_a_table(shown):
    send(shown, **{"<b>.png": encoded(), "two.png": encoded(color=(0, 9, 0))})
    controls, message, cards, keep = shown.children
    assert message.value == "" and len(cards.children) == 2
    text = cards.children[0].children[0].children[1].children[0].value
    assert "&lt;b&gt;.png" in text and "beam" in text  # a name is no markup
    assert 'download="captions.csv"' in keep.value
    send(shown, **{"new.png": encoded(), "notes.txt": b"no"})
    assert "notes.txt is damaged" in message.value and len(cards.children) == 3
    newest = cards.children[0].children[0].children[1].children[0].value
    assert "new.png" in newest
    assert controls.children[0].value == ()


def test_the_slider_searches_anew(shown):
    send(shown, **{"one.png": encoded()})
    controls, _, cards, keep = shown.children
    before = keep.value
    controls.children[2].value = 7
    assert keep.value != before


def test_the_table_has_a_row_per_caption():
    found = [
        [Candidate("a", -1.0, (), "cat", confidence=0.876), Candidate("b", -2.0, ())],
        [Candidate("c", -3.0, ())],
    ]
    table = page.captions_table(["x", "y"], found)
    assert table["caption"].tolist() == ["a", "b", "c"]
    assert table["rank"].tolist() == [1, 2, 1]
    np.testing.assert_array_equal(table["log_probability"], [-1, -2, -3])
    assert table["asked"].tolist() == ["cat", "", ""]
    np.testing.assert_array_equal(table["confidence"], [0.88, np.nan, np.nan])
    assert page.captions_table([], [])["confidence"].tolist() == []


def test_the_page_tells_what_is_behind_a_caption(monkeypatch):
    said = Candidate(
        "a <b>", -1.0, (("a", 0.5), ("<b>", 0.5), ("<end>", 1.0)), "<i>", (), 0.43, True
    )

    class Asked(Stub):
        def caption(self, pictures, beam_size, several, details):
            return [
                [said, said._replace(asked="", confidence=None, unsure=False)] for _ in pictures
            ]

    monkeypatch.setattr(page, "load_captioner", lambda name: Asked())
    shown = page.photo_page()
    send(shown, **{"one.png": encoded()})
    text = shown.children[2].children[0].children[0].children[1].children[0].value
    assert text.count("unsure:") == 1 and text.index("unsure:") < text.index("&lt;b&gt;")
    assert "1 in 3, the CNN asked for “&lt;i&gt;”, confidence 43%</small>" in text
    assert text.endswith("1 in 3</small>")


def test_odds_are_readable_however_small():
    assert page.odds(np.log(0.5)) == "1 in 2"
    assert page.odds(-7.1) == "1 in 1,212"
