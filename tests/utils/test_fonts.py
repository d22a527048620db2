"""Fonts of the machine are taken where the own one lacks letters, and what is missing is said."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from utils import fonts
from utils.plotting import save_figure, set_style, show_pictures

OLD = "\U00013000"  # an Egyptian hieroglyph, in hardly any font
PICTURE = np.full((20, 30, 3), 200, np.uint8)


def make_font(path, *characters):
    pen = TTGlyphPen(None)
    for place, point in enumerate([(0, 0), (0, 700), (500, 700), (500, 0)]):
        (pen.lineTo if place else pen.moveTo)(point)
    pen.closePath()
    box = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "box"])
    builder.setupCharacterMap({ord(character): "box" for character in characters})
    builder.setupGlyf({".notdef": box, "box": box})
    builder.setupHorizontalMetrics({".notdef": (600, 0), "box": (600, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return str(path)


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with the fonts that the list holds."""
    installed = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: installed)
    listed = list(font_manager.fontManager.ttflist)
    fonts.fonts_with.cache_clear()
    with warnings.catch_warnings(), plt.rc_context():
        warnings.simplefilter("error")
        set_style()
        yield installed
    fonts.fonts_with.cache_clear()
    font_manager.fontManager.ttflist = listed
    plt.close("all")


def families(figure, text):
    return [t.get_fontfamily() for t in figure.findobj(plt.Text) if text in t.get_text()]


def test_an_installed_font_is_taken_for_what_the_own_one_lacks(machine, tmp_path, capsys):
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    machine += [make_font(tmp_path / "Aside.ttf", "x"), str(tmp_path / "damaged.ttf")]
    machine += [
        make_font(tmp_path / "Hiero.ttf", OLD),
        make_font(tmp_path / "Two.ttf", OLD, "\U00013001"),
    ]
    figure = show_pictures([PICTURE] * 2, [f"{OLD} \U00013001", "a dog"])
    assert families(figure, OLD) == [[fonts.OWN, "Two"]]
    assert families(figure, "a dog") == [[fonts.OWN]]
    save_figure(figure, tmp_path, "figure")
    assert capsys.readouterr().out == ""


def test_what_no_font_has_is_said_in_one_line(tmp_path, capsys):
    for _ in range(2):
        figure = show_pictures([PICTURE], [f"a {OLD} \U00013001 dog"])
        save_figure(figure, tmp_path, "figure")  # without a warning
    told = capsys.readouterr().out
    assert told.startswith("No font here has 2 of the characters (Egyptian)")
    assert told.count("\n") == 1


def test_labels_of_axes_are_completed_too(machine, tmp_path, capsys):
    machine.append(make_font(tmp_path / "Hiero.ttf", OLD))
    figure, axis = plt.subplots()
    axis.barh([OLD, "dog"], [1, 2])
    save_figure(figure, tmp_path, "figure")
    assert axis.get_yticklabels()[0].get_fontfamily() == [fonts.OWN, "Hiero"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["$5 and $6", "a_b ^2", "$\\frac$", "100 % {", "\\", "$" * 3])
def test_signs_of_formulas_are_plain_text(tmp_path, text):
    figure = show_pictures([PICTURE], [text], references=[[text]], marks=[text], title=text)
    save_figure(figure, tmp_path, "figure")
    assert all(not t.get_parse_math() for t in figure.findobj(plt.Text) if text in t.get_text())


@pytest.mark.parametrize("text", ["كلب يركض", "שלום עולם"])
def test_text_from_right_to_left_is_drawn_with_the_own_font(tmp_path, text, capsys):
    save_figure(show_pictures([PICTURE], [text]), tmp_path, "figure")
    assert capsys.readouterr().out == ""


def test_chinese_captions_are_shown_without_blanks_and_wrapped_by_width(machine, tmp_path):
    machine.append(make_font(tmp_path / "Han.ttf", "狗", "跑"))
    figure = show_pictures([PICTURE], [" ".join("狗跑" * 20)], width=3)
    lines = next(t.get_text() for t in figure.findobj(plt.Text) if "狗" in t.get_text()).split("\n")
    assert "".join(lines) == "狗跑" * 20
    assert max(map(len, lines)) == 17  # two of the 35 columns each
