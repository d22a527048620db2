"""Where a training stands after its last whole epoch, in one file."""

import json
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils.artifacts import atomic_path
from utils.locks import locked

NAME = "checkpoint.npz"


@dataclass(frozen=True)
class Progress:
    """The epochs so far: a row of the history each, what the model said, the best weights.

    A training by likelihood has rows with a `dev_loss`, the lower the better. One for the score has
    `dev_cider_d`, the higher the better. Where the model as it came is one to get better than, the
    first row is that of epoch 0.
    """

    rows: tuple[dict, ...] = ()
    samples: tuple[dict, ...] = ()
    best: tuple[np.ndarray, ...] = ()

    def next_epoch(self, first: int) -> int:
        """Return the number of the epoch that follows; `first` if there was none."""
        return self.rows[-1]["epoch"] + 1 if self.rows else first

    @property
    def waited(self) -> int:
        """Epochs since the best one on dev."""
        goods = [_goodness(row) for row in self.rows]
        return len(goods) - 1 - int(np.argmax(goods)) if goods else 0

    def after(self, row: dict, model: Any, said: Sequence[dict] = ()) -> "Progress":
        """Return the progress after one more epoch; `row` begins with its number.

        Raises:
            FloatingPointError: What is measured on dev is not a number.
        """
        if not np.isfinite(_goodness(row)):
            raise FloatingPointError
        better = all(_goodness(row) > _goodness(before) for before in self.rows)
        return Progress(
            (*self.rows, row),
            (*self.samples, *({**sample, "epoch": row["epoch"]} for sample in said)),
            tuple(model.get_weights()) if better else self.best,
        )

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Return the history, and the samples or None, as DataFrames."""
        history = pd.DataFrame(self.rows, columns=["epoch", *HISTORY])
        return history, pd.DataFrame(self.samples) if self.samples else None


HISTORY = ("loss", "dev_loss", "learning_rate", "seconds")
# What reading a file that is missing, cut short or no checkpoint may raise.
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def _goodness(row):
    return row["dev_cider_d"] if "dev_cider_d" in row else -row["dev_loss"]


def alone_in(folder: Path) -> AbstractContextManager[None]:
    """Train in a folder as the only process; with a CourseError if another one does already."""
    lock = folder.with_name(f".{folder.name}.lock")
    return locked(
        lock,
        f"is training in {folder}",
        "wait until it is done, or give this training a name of its own: "
        'load_settings(run="second"), or make run RUN=second',
    )


def optimizer_settings(optimizer: Any) -> str:
    """Return what an optimizer does, as JSON; its name counts the optimizers of a process."""
    return json.dumps(optimizer.get_config() | {"name": ""}, default=str)


def save_progress(
    folder: Path, started_as: dict, progress: Progress, model: Any, optimizer: Any
) -> None:
    """Write the checkpoint: everything in one file, so that its parts always fit together.

    Args:
        folder: Where `checkpoint.npz` lies.
        started_as: What the training was started from, JSON-serializable.
        progress: The epochs so far.
        model, optimizer: Their variables are kept as they are now.
    """
    arrays = {f"model/{i}": array for i, array in enumerate(model.get_weights())}
    arrays |= {f"optimizer/{i}": v.numpy() for i, v in enumerate(optimizer.variables)}
    arrays |= {f"best/{i}": array for i, array in enumerate(progress.best)}
    text = {"started_as": started_as, "rows": progress.rows, "samples": progress.samples}
    with atomic_path(folder / NAME) as temporary:
        np.savez(temporary, text=np.array(json.dumps(text)), **arrays)


def load_progress(folder: Path, started_as: dict, model: Any, optimizer: Any) -> Progress:
    """Go on from the checkpoint of a training that was started from the same.

    Args:
        folder: Where `checkpoint.npz` lies.
        started_as: As in `save_progress`.
        model, optimizer: Get the variables that were kept.

    Returns:
        The progress; without epochs if there is no such checkpoint, or a damaged one.
    """
    with suppress(*UNREADABLE):
        with np.load(folder / NAME, allow_pickle=False) as file:
            text = json.loads(str(file["text"]))
            if text["started_as"] != json.loads(json.dumps(started_as)):
                return Progress()
            kept = [
                [file[name] for name in sorted_names(file.files, part)]
                for part in ("model", "optimizer", "best")
            ]
        model.set_weights(kept[0])
        for variable, array in zip(optimizer.variables, kept[1], strict=True):
            variable.assign(array)
        print(f"Going on after epoch {text['rows'][-1]['epoch']}.")
        return Progress(tuple(text["rows"]), tuple(text["samples"]), tuple(kept[2]))
    return Progress()


def epochs_done(folder: Path) -> int:
    """Return how many whole epochs the checkpoint in a folder holds; 0 if there is none."""
    with suppress(*UNREADABLE), np.load(folder / NAME, allow_pickle=False) as file:
        return json.loads(str(file["text"]))["rows"][-1]["epoch"]
    return 0


def sorted_names(names: list[str], part: str) -> list[str]:
    """Return the names `part/0`, `part/1`, … in the order of their numbers."""
    own = [name for name in names if name.startswith(f"{part}/")]
    return sorted(own, key=lambda name: int(name.rsplit("/", 1)[1]))


def remove_progress(folder: Path) -> None:
    """Remove the checkpoint of a training whose result has been saved."""
    (folder / NAME).unlink(missing_ok=True)
    with suppress(OSError):  # what else lies there stays
        folder.rmdir()
