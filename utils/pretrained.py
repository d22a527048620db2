"""What a run that goes on from the captioner that comes with the course shares with it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from utils.errors import CourseError

PRETRAINED = Path(__file__).resolve().parents[1] / "data" / "pretrained"
# Of running words that it knows: of English captions 58 to 97 %, of other languages up to 22 %.
SAME_LANGUAGE = 0.5
BRING_BACK = "is missing or damaged: bring it back with git checkout."


def pretrained_settings() -> dict[str, Any]:
    """Return what a run must share with the captioner that comes with the course to go on from it.

    Raises:
        CourseError: Its manifest is missing or damaged.
    """
    try:
        kept = json.loads((PRETRAINED / "manifest.json").read_text("utf-8"))["settings"]
        return {name: kept[name] for name in ("encoder", "mirrored", "units", "embedding_size")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"data/pretrained/manifest.json {BRING_BACK}") from error


def share_of_known(captions: Iterable[str]) -> float:
    """Return how much of cleaned captions the captioner that comes with the course knows: 0 to 1.

    Raises:
        CourseError: Its vocabulary is missing or damaged.
    """
    try:
        words = set(json.loads((PRETRAINED / "vocabulary.json").read_text("utf-8"))["words"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"data/pretrained/vocabulary.json {BRING_BACK}") from error
    running = [word for text in captions for word in text.split()]
    return sum(word in words for word in running) / max(len(running), 1)


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
