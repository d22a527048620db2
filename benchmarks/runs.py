"""The runs that the measurements learn from, and names for what they keep."""

import hashlib
import json
import os
from typing import Any

from commands.notebooks import STEPS, execute
from commands.weights import get_weights
from utils.files import SHARED
from utils.run import Run
from utils.settings import Settings

MADE_HERE = ("features.npy", "tokens.npy")  # and everything that they are made from


def prepared(settings: Settings) -> Run:
    """Open a run with captions, features and tokens; where they lack, notebooks make them.

    Args:
        settings: Those of the run. What they name, the files must have been made with.

    Raises:
        CourseError: A file is there that was made with other settings, or no longer holds; it is
            not replaced, because it may belong to a run of the reader's own.
    """
    run = Run(settings)
    if not all(run.path(name).exists() for name in MADE_HERE):
        names = ("dataset", "encoder", "profile", "run")
        os.environ |= {f"CAPTION_{name.upper()}": getattr(settings, name) for name in names}
        get_weights([run])
        for step in STEPS:
            if step <= SHARED:
                execute(step, run.folder / "notebooks" / f"{step}.ipynb")
        run = Run(settings)
    for name in MADE_HERE:
        run.check(name)
    return run


def mark(*determined_by: Any) -> str:
    """Return eight digits of the hash of what determines a result, JSON-serializable."""
    text = json.dumps(determined_by, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def values(settings: Settings, names: tuple[str, ...]) -> dict[str, Any]:
    """Return some of the settings as a dict."""
    return {name: getattr(settings, name) for name in names}
