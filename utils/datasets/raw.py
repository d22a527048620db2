"""A data set as it was found, before any cleaning (notebook 01)."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

SPLITS = ("train", "dev", "test")
NOVEL = "novel"  # scenes has it besides: combinations that never occur in train


@dataclass(frozen=True)
class RawDataset:
    """A data set as it was found.

    Attributes:
        name: For messages.
        image_folder: Where the pictures lie.
        captions: DataFrame (image, caption), as somebody typed them.
        splits: Series from image to split.
        sources: The text files that captions and splits were read from.
        form: What the data set was taken for, and what was noticed while reading it.
    """

    name: str
    image_folder: Path
    captions: pd.DataFrame
    splits: pd.Series
    sources: tuple[Path, ...] = ()
    form: str = ""

    def path(self, image: str) -> Path:
        """Path of a picture, given its name in the captions."""
        return self.image_folder / image
