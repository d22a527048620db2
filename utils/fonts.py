"""Fonts for captions in any script: those of this machine, where the course's own lacks letters."""

import logging
import unicodedata
import warnings
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font, StyleFlags
from matplotlib.text import Text

OWN = "DejaVu Sans"  # comes with matplotlib: the same on every machine


def complete_fonts(figure: Figure) -> None:
    """Let the texts of a figure take installed fonts for what `OWN` cannot draw.

    A figure that needs none stays as it is. What no font has is drawn as boxes, and one line says
    so, in place of matplotlib's warning for every single character.
    """
    axes = [axis for axis in figure.axes if axis.axison]
    labels = [t for a in axes for t in (*a.get_xticklabels(), *a.get_yticklabels())]
    texts = figure.findobj(Text)
    lacking = _lacking(_own(), "".join(t.get_text() for t in (*texts, *labels)))
    if not lacking:
        return
    # A font without bold letters is drawn without; there is no need for a warning of it.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    families = [OWN, *fonts_with(lacking)]
    for text in texts:
        if _lacking(_own(), text.get_text()):
            text.set_fontfamily(families)
    for axis in axes:  # whose labels are made anew when it is drawn
        axis.tick_params(labelfontfamily=families)


@cache
def fonts_with(characters: frozenset[str]) -> tuple[str, ...]:
    """Return the names of installed fonts that have these characters, as few as possible.

    Prints one line about those that none has.
    """
    found: list[str] = []
    # A font may have been installed since matplotlib made its list.
    fonts = list(_installed(font_manager.findSystemFonts()))
    while characters and fonts:
        path, left = min(((p, _lacking(f, characters)) for p, f in fonts), key=lambda x: len(x[1]))
        if left == characters:
            break
        font_manager.fontManager.addfont(path)
        found.append(font_manager.FontProperties(fname=path).get_name())
        characters = left
    if characters:
        # "CJK UNIFIED IDEOGRAPH-72D7", "DEVANAGARI LETTER KA": the first word tells the script.
        scripts = sorted({unicodedata.name(c, "unknown").split()[0].title() for c in characters})
        print(
            f"No font here has {len(characters)} of the characters ({', '.join(scripts)}): boxes "
            "stand for them. A Noto Sans font of that script brings them; tables show them anyway."
        )
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
    return tuple(found)


def _installed(paths):
    """Yield paths and fonts that can be drawn, upright ones of normal weight first."""
    found = []
    for path in sorted(paths):
        try:
            font = FT2Font(path)
        except (RuntimeError, OSError):
            continue  # damaged, or of a kind that matplotlib does not draw
        if font.scalable:
            slanted = font.style_flags & (StyleFlags.BOLD | StyleFlags.ITALIC)
            found.append((bool(slanted), "mono" in Path(path).name.lower(), path, font))
    for *_, path, font in sorted(found, key=lambda item: item[:3]):
        yield path, font


@cache
def _own():
    return FT2Font(font_manager.findfont(OWN))


def _lacking(font, characters):
    """Return the printable characters that a font does not have."""
    return frozenset(c for c in set(characters) if c > "~" and not font.get_char_index(ord(c)))
