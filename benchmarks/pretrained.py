"""Ship the captioner of a finished run as data/pretrained/.

make run DATASET=flickr8k ENCODER=efficientnet_lite0
.venv/bin/python -m benchmarks.pretrained
.venv/bin/python -m benchmarks.confidence FOLDER
"""

from pathlib import Path

from benchmarks.runs import values
from utils.captioner import captioner_of_run
from utils.pretrained import PRETRAINED
from utils.run import Run
from utils.settings import MODEL_SETTINGS, default_settings


def ship(run: Run, folder: Path) -> None:
    """Write weights, vocabulary and manifest of a run's captioner, its test scores with them."""
    scores = run.load("metrics.json")["test"]
    captioner_of_run(run).save(
        folder,
        data="Flickr8k: trained on train, stopped on dev, scored on the official test split",
        made_by="notebooks 01 to 06, then python -m benchmarks.pretrained",
        training=values(run.settings, MODEL_SETTINGS),
        scores_are_of="the same weights in float32",
        search="with loop prevention",
        # Consensus needs the train captions, which the captioner does not have.
        scores={f"beam {key}": found for key, found in scores.items() if key.isdigit()},
    )


def main() -> None:
    """Ship the run with EfficientNet-Lite0."""
    ship(Run(default_settings("flickr8k", "efficientnet_lite0", "full")), PRETRAINED)
    size = sum(path.stat().st_size for path in PRETRAINED.iterdir())
    print(f"{PRETRAINED.name}: {size / 1e6:.1f} MB")
    print("It tells no confidence until it is calibrated: python -m benchmarks.confidence FOLDER")


if __name__ == "__main__":
    main()
