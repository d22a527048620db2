"""Everything loaded once, then captions for any pictures."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils.artifacts import manifest_path, require
from utils.decoding import make_decoder
from utils.encoders import (
    build_encoder,
    encoder_info,
    normalize_features,
    prepare_image,
    read_image,
)
from utils.quiet_tensorflow import keras
from utils.settings import data_root, load_settings
from utils.vocabulary import load_vocabulary


@dataclass(frozen=True)
class Captioner:
    """An encoder and a trained merge model, ready to caption pictures."""

    encoder: str
    encoder_model: keras.Model
    decode: callable
    alpha: float

    def caption(self, pictures, beam_size=3):
        """Caption pictures.

        Args:
            pictures: Paths of picture files, or uint8 arrays [H, W, 3] (RGB), [H, W] or
                [H, W, 4], of any size; also mixed.
            beam_size: 1 is greedy search.

        Returns:
            One caption per picture, a list of strings.

        Raises:
            CourseError: A file is missing or holds no picture.
        """
        size = encoder_info(self.encoder).image_size
        batch_size = encoder_info(self.encoder).batch_size
        arrays = [
            prepare_image(picture, size)
            if isinstance(picture, np.ndarray)
            else read_image(picture, size)
            for picture in pictures
        ]
        features = [
            self.encoder_model(np.stack(arrays[first : first + batch_size]).astype(np.float32))
            for first in range(0, len(arrays), batch_size)
        ]
        if not features:
            return []
        features = normalize_features(np.concatenate(features))
        return self.decode(features, beam_size, self.alpha)[0]


def load_captioner(run=None):
    """Load a trained captioner.

    Args:
        run: A run folder, or its name below `data/runs`; by default the run that
            `CAPTION_DATASET` and `CAPTION_ENCODER` name.

    Returns:
        A `Captioner`.

    Raises:
        CourseError: There is no trained model; the sentence names the notebook to run.
    """
    folder = load_settings().run_folder if run is None else Path(run)
    if not folder.is_dir():
        folder = data_root() / "runs" / folder
    path = require(folder / "model.keras")
    manifest = json.loads(manifest_path(path).read_text("utf-8"))
    model = keras.models.load_model(path, compile=False)
    return Captioner(
        manifest["encoder"],
        build_encoder(manifest["encoder"]),
        make_decoder(model, load_vocabulary(folder)),
        manifest["alpha"],
    )
