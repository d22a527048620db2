"""Ship the captioner of a finished run as data/pretrained/.

make run DATASET=flickr8k ENCODER=efficientnet_lite0
.venv/bin/python -m benchmarks.pretrained
"""

import json

from utils.artifacts import require
from utils.captioner import PRETRAINED, save_pretrained
from utils.tensorflow_setup import keras
from utils.settings import load_settings
from utils.vocabulary import load_vocabulary


def main():
    """Write weights, vocabulary and manifest."""
    settings = load_settings(dataset="flickr8k", encoder="efficientnet_lite0")
    folder = settings.run_folder
    model = keras.models.load_model(require(folder / "model.keras"), compile=False)
    metrics = json.loads(require(folder / "metrics.json").read_text("utf-8"))
    save_pretrained(
        [model],
        load_vocabulary(folder),
        settings,
        data="Flickr8k: trained on train, stopped on dev, scored on the official test split",
        made_by="notebooks 01 to 06, then python -m benchmarks.pretrained",
        training=settings.model_settings(),
        scores_are_of="the same weights in float32",
        scores={f"beam {size}": scores for size, scores in metrics["test"].items()},
    )
    size = sum(path.stat().st_size for path in PRETRAINED.iterdir())
    print(f"{PRETRAINED.name}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
