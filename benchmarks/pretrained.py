"""Ship the best distilled captioner on dev as data/pretrained/.

make results
.venv/bin/python -m benchmarks.pretrained
.venv/bin/python -m benchmarks.confidence FOLDER
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.captions import BEAM, GREEDY, captions_of
from benchmarks.runs import prepared, values
from benchmarks.trained import SMALL, TEACHERS, Row, path_of, settings_of, trained
from utils.captioner import Captioner
from utils.evaluation import describe_captions
from utils.pretrained import PRETRAINED
from utils.run import Run
from utils.settings import MODEL_SETTINGS, Settings


def scores_of(row: Row, settings: Settings, run: Run) -> dict[str, dict[str, dict[str, float]]]:
    """Return the scores of a row of one seed: split -> search -> score."""
    found: dict[str, dict[str, dict[str, float]]] = {"dev": {}, "test": {}}
    for captions in captions_of(row, settings):
        # With consensus it needs the train captions, which the captioner does not have.
        if captions.search in (BEAM, GREEDY):
            for split, scores in found.items():
                references = run.references(split)
                said = [captions.said[split][image] for image in references]
                scores[captions.search] = describe_captions(said, list(references.values()))
    return found


def ship(row: Row, settings: Settings, run: Run, folder: Path) -> None:
    """Write weights, vocabulary and manifest of the seed that is best on dev, test scores too."""
    scores = {seed: scores_of(replace(row, seeds=(seed,)), settings, run) for seed in row.seeds}
    seed = max(scores, key=lambda seed: scores[seed]["dev"][BEAM]["cider_d"])
    best = replace(settings, seed=seed)
    model, _ = trained(best, run, row.reward, row.distilled)
    details: dict[str, Any] = {
        "data": "Flickr8k: trained on train, chosen on dev, scored on the official test split",
        "made_by": "make results, then python -m benchmarks.pretrained",
        "model": path_of(best, row.reward, row.distilled).stem,
        "training": values(best, MODEL_SETTINGS),
        "scores_are_of": "the same weights in float32",
        "search": "with loop prevention",
        "scores": scores[seed]["test"],
    }
    if row.distilled:
        details["learned_from"] = f"{len(TEACHERS.seeds)} models with {TEACHERS.encoder}"
    Captioner([model], run.vocabulary(), best).save(folder, **details)


def main() -> None:
    """Ship the small model that learned what several know."""
    settings = settings_of(SMALL.encoder)
    ship(SMALL, settings, prepared(settings), PRETRAINED)
    size = sum(path.stat().st_size for path in PRETRAINED.iterdir())
    print(f"{PRETRAINED.name}: {size / 1e6:.1f} MB")
    print("It tells no confidence until it is calibrated: python -m benchmarks.confidence FOLDER")


if __name__ == "__main__":
    main()
