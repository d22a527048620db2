"""What a run that goes on from the captioner that comes with the course shares with it."""

import json
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from utils.errors import CourseError

PRETRAINED = Path(__file__).resolve().parents[1] / "data" / "pretrained"
# Of running words that it knows: of English captions 58 to 97 %, of other languages up to 22 %.
SAME_LANGUAGE = 0.5


def pretrained_settings() -> dict[str, Any]:
    """Return what a run must share with the captioner that comes with the course to go on from it.

    Raises:
        CourseError: Its manifest is missing or damaged.
    """
    with _content_of("manifest.json") as content:
        kept = content["settings"]
        return {name: kept[name] for name in ("encoder", "mirrored", "units", "embedding_size")}


def share_of_known(captions: Iterable[str]) -> float:
    """Return how much of cleaned captions the captioner that comes with the course knows: 0 to 1.

    Raises:
        CourseError: Its vocabulary is missing or damaged.
    """
    with _content_of("vocabulary.json") as content:
        words = set(content["words"])
    running = [word for text in captions for word in text.split()]
    return sum(word in words for word in running) / max(len(running), 1)


@contextmanager
def _content_of(name):
    """Read a JSON file of the captioner; what is missing in it is a CourseError, too."""
    try:
        yield json.loads((PRETRAINED / name).read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"data/pretrained/{name} is missing or damaged: bring it back with git checkout."
        ) from error


def like_pretrained(settings: Any) -> Any:
    """Return settings of a run that goes on from the captioner that comes with the course.

    Raises:
        CourseError: The encoder, or a setting that somebody named, is another one.
    """
    needed = pretrained_settings()
    for name, value in needed.items():
        asked = getattr(settings, name)
        if asked != value and name in settings.named | {"encoder"}:
            raise CourseError(
                f"{name} is {asked!r}, but start='pretrained' goes on from a captioner that was "
                f"trained with {value!r}: leave {name} out, or take start='nothing'."
            )
    return replace(settings, **needed)
