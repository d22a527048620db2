"""How sure may a captioner be? Calibrate the confidence of the one that comes with the course.

    .venv/bin/python -m benchmarks.confidence FOLDER     # two minutes

FOLDER holds ordinary photographs with captions, in any form of data/README.md. Needs Flickr8k
besides, of which only the dev pictures are used. Writes the weights and the threshold into
data/pretrained/manifest.json, the table in benchmarks/README.md and figures/confidence.png.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from benchmarks.tables import markdown_table, write_table
from utils.artifacts import write_json
from utils.captioner import Captioner, load_captioner
from utils.confidence import (
    WEIGHTS,
    Calibration,
    Evidence,
    confidence_of,
    fit_weights,
    is_named,
    main_noun,
)
from utils.datasets.flickr8k import fetch_flickr8k
from utils.datasets.folder import read_folder
from utils.errors import CourseError
from utils.plotting import COLORS, QUIET, save_figure, set_style
from utils.pretrained import PRETRAINED
from utils.settings import ROOT, default_settings
from utils.vocabulary import clean_caption

PRECISION = 0.8  # of the captions that are not marked, so many shall be right
HALVES = 0  # the seed of the halves on which guidance was chosen and scored, too
FOLDS, BINS, DRAWS = 10, 10, 1000
KNOWS_NOTHING = Calibration(dict.fromkeys(WEIGHTS, 0.0), 0.0)  # gathers evidence all the same


class Captions(NamedTuple):
    """N captions with a noun: what speaks for it, and whether people name it."""

    evidence: list[Evidence]
    right: np.ndarray  # bool [N]

    def part(self, chosen: np.ndarray) -> "Captions":
        """Return some of them, by their numbers."""
        return Captions([self.evidence[number] for number in chosen], self.right[chosen])


def captions_of(captioner: Captioner, folder: Path, split: str | None = None) -> Captions:
    """Caption the pictures of a folder in the order of its captions, or those of one split."""
    data = read_folder(folder)
    texts = data.captions.groupby("image", sort=False)["caption"].agg(list)
    if split is not None:
        texts = texts[data.splits.reindex(texts.index).eq(split)]
    captioner = replace(captioner, calibration=KNOWS_NOTHING)
    found = captioner.caption([data.path(image) for image in texts.index], details=True)
    evidence, right = [], []
    for candidate, references in zip(found, texts, strict=True):
        if candidate.evidence is not None:
            words = [word for word, _ in candidate.words[:-1]]
            noun = words[main_noun(words)]
            evidence.append(candidate.evidence)
            right.append(is_named(noun, [clean_caption(text) for text in references]))
    return Captions(evidence, np.array(right, bool))


def halves(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the pictures on which something is chosen, and of the others."""
    order, first = np.random.default_rng(HALVES).permutation(count), (count + 1) // 2
    return np.sort(order[:first]), np.sort(order[first:])


def fit(sources: list[Captions]) -> dict[str, float]:
    """Fit the weights to captions of several sources, each of which counts as much as the others.

    Each caption counts more, the fewer its source has: users bring ordinary photographs, and a
    thousand pictures of Flickr8k shall not outvote eighty of them.
    """
    evidence = [each for captions in sources for each in captions.evidence]
    return fit_weights(evidence, np.concatenate([one.right for one in sources]), equal(sources))


def equal(sources: list[Captions]) -> np.ndarray:
    """Return how many captions each caption counts for, so that all sources count the same."""
    sizes = [len(captions.right) for captions in sources]
    return np.repeat([sum(sizes) / len(sizes) / size for size in sizes], sizes)


def confidences(captions: Captions, weights: dict[str, float]) -> np.ndarray:
    """Return the confidence of every caption, float [N]."""
    return np.array([confidence_of(each, Calibration(weights, 0)) for each in captions.evidence])


def cross_validated(sources: list[Captions]) -> list[np.ndarray]:
    """Return confidences by weights that were fitted to other captions: an array per source."""
    rng = np.random.default_rng(HALVES)
    folds = [rng.permutation(len(captions.right)) % FOLDS for captions in sources]
    found = [np.zeros(len(captions.right)) for captions in sources]
    for fold in range(FOLDS):
        parts = zip(sources, folds, strict=True)
        weights = fit([one.part(np.flatnonzero(own != fold)) for one, own in parts])
        for captions, own, values in zip(sources, folds, found, strict=True):
            values[own == fold] = confidences(captions.part(np.flatnonzero(own == fold)), weights)
    return found


def lowest_threshold(confidence: np.ndarray, right: np.ndarray, counts: np.ndarray) -> float:
    """Return the lowest threshold, in hundredths, above which `PRECISION` is reached.

    Raises:
        CourseError: No threshold reaches it.
    """
    for threshold in np.arange(100) / 100:
        left = confidence >= threshold
        if left.any() and np.average(right[left], weights=counts[left]) >= PRECISION:
            return float(threshold)
    raise CourseError(f"At no threshold are {PRECISION:.0%} of the captions right that are left.")


def bins_of(confidence: np.ndarray) -> np.ndarray:
    """Return the bin of each confidence: ten of equal width, int [N]."""
    return np.minimum((confidence * BINS).astype(int), BINS - 1)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error: how far confidence and truth differ in a bin.

    The mean over ten bins of equal width, each counting as much as captions lie in it.
    """
    gaps = np.bincount(bins_of(confidence), confidence - right)
    return float(np.abs(gaps).sum() / len(right))


def chance_error(confidence: np.ndarray) -> float:
    """Return the error that perfect confidences would have with so few captions, by simulation."""
    rng = np.random.default_rng(HALVES)
    drawn = rng.random((DRAWS, len(confidence))) < confidence
    return float(np.mean([calibration_error(confidence, right) for right in drawn]))


def markdown(table: dict[str, tuple[np.ndarray, np.ndarray]], threshold: float) -> str:
    """Return the table of benchmarks/README.md: a row per label with (confidences, right)."""
    head = ["captions of", "right", "mean confidence", "ECE", "by chance", "unsure"]
    head += ["right where not unsure", "right where unsure"]
    rows = []
    for label, (confidence, right) in table.items():
        unsure = confidence < threshold
        cells = [label, share(right), f"{100 * confidence.mean():.0f} %"]
        cells += [f"{calibration_error(confidence, right):.3f}", f"{chance_error(confidence):.3f}"]
        cells += [f"{100 * unsure.mean():.0f} %", share(right[~unsure]), share(right[unsure])]
        rows.append(cells)
    return markdown_table(head, rows)


def share(right: np.ndarray) -> str:
    """Return "75 % of 4 (30 to 95)", the share with its 95 % interval; of nothing a dash."""
    if not len(right):
        return "–"
    low, high = (100 * end for end in interval(right))
    return f"{100 * right.mean():.0f} % of {len(right):,} ({low:.0f} to {high:.0f})"


def draw(table: dict[str, tuple[np.ndarray, np.ndarray]], threshold: float) -> Figure:
    """Draw the reliability diagram: a panel per label with (confidences, right)."""
    figure, axes = plt.subplots(1, len(table), figsize=(4.4 * len(table), 4.7), squeeze=False)
    panels = zip(axes[0], COLORS, table.items(), strict=False)
    for axis, color, (label, (confidence, right)) in panels:
        axis.axvspan(0, threshold, color=QUIET, alpha=0.2, linewidth=0)
        axis.plot([0, 1], [0, 1], color=QUIET, linestyle=":")
        bins = bins_of(confidence)
        for number in np.unique(bins):
            own = bins == number
            middle = confidence[own].mean()
            axis.plot([middle, middle], interval(right[own]), color=color, linewidth=1.5)
            axis.plot(middle, right[own].mean(), "o", color=color, markersize=7)
            axis.text(middle, -0.08, f"{own.sum()}", ha="center", va="center", size=8)
        axis.text(threshold / 2, 1.02, "unsure", ha="center", va="center", size=9)
        axis.set(xlim=(0, 1.02), ylim=(-0.12, 1.06), xlabel="confidence", title=label)
        axis.set(yticks=np.arange(6) / 5, aspect="equal")
    axes[0, 0].set_ylabel("share of captions that are right")
    return figure


def interval(right: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a share, by Wilson's formula (1927)."""
    n, mean, z = len(right), right.mean(), 1.96
    middle, half = mean + z * z / 2 / n, z * (mean * (1 - mean) / n + (z / 2 / n) ** 2) ** 0.5
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def main() -> None:
    """Calibrate, measure on what nothing was chosen on, write it all down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.confidence")
    parser.add_argument("folder", type=Path, help="ordinary photographs with their captions")
    folder = parser.parse_args().folder
    flickr8k = default_settings("flickr8k", "efficientnet_lite0", "full").data_folder
    try:
        fetch_flickr8k(flickr8k)
        captioner = load_captioner("pretrained")
        photographs = captions_of(captioner, folder)
        dev = captions_of(captioner, flickr8k, "dev")
    except CourseError as error:
        sys.exit(f"Nothing was calibrated: {error}")
    chosen, others = (photographs.part(numbers) for numbers in halves(len(photographs.right)))
    sources = [dev, chosen]
    found = cross_validated(sources)
    right = np.concatenate([one.right for one in sources])
    threshold = lowest_threshold(np.concatenate(found), right, equal(sources))
    calibration = Calibration(fit(sources), threshold)
    table = {
        "Flickr8k, dev": (found[0], dev.right),
        "photographs, the half on which was chosen": (found[1], chosen.right),
        "photographs, the other half": (confidences(others, calibration.weights), others.right),
    }
    manifest = json.loads((PRETRAINED / "manifest.json").read_text("utf-8"))
    write_json(PRETRAINED / "manifest.json", manifest | {"confidence": asdict(calibration)})
    text = markdown(table, threshold)
    write_table(ROOT / "benchmarks" / "README.md", "confidence", text)
    set_style()
    shown = {label: values for label, values in table.items() if "on which" not in label}
    save_figure(draw(shown, threshold), ROOT / "figures", "confidence")
    print(json.dumps(asdict(calibration), indent=1), text, sep="\n")


if __name__ == "__main__":
    main()
