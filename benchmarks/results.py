"""The results tables: three seeds of each captioner on Flickr8k, scored on the official test split.

    make results      # what is finished in data/runs/results is not repeated

Writes figures/results.csv, figures/results.png, the long tables in benchmarks/README.md and the
short one in README.md. Captions are kept, so tables of another form take two minutes.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.captions import BEAM, SHIPPED, SPLITS, Captions, captions_of, captions_of_shipped
from benchmarks.results_page import draw, write_pages
from benchmarks.runs import prepared
from benchmarks.trained import ALL_EYES, LITES, ROWS, TEACHERS, settings_of
from benchmarks.variety import variety
from commands.weights import get_weights
from utils.artifacts import save_table
from utils.evaluation import WITH_CONSENSUS, floor_captions
from utils.metrics import draw_pictures, intervals_of, resampled_scores
from utils.plotting import save_figure, set_style
from utils.run import Run
from utils.settings import FIGURES

SEED = 7  # of the drawing; that of the course
PLACED = ["bleu_4", "cider_d"]  # the scores that have intervals
PEOPLE = "one person against the other four"
# Of each pair, what the first gains over the second: all that the pages claim.
DIFFERENCES = (
    *(((row.label, WITH_CONSENSUS), (row.label, BEAM)) for row in ROWS),
    (("VGG16, then trained for CIDEr-D", BEAM), ("VGG16", BEAM)),
    (("EfficientNet-Lite0", BEAM), ("VGG16", BEAM)),
    (("three EfficientNets", BEAM), ("EfficientNet-Lite0", BEAM)),
    (("three EfficientNets, distilled", BEAM), ("three EfficientNets", BEAM)),
    (
        ("distilled, then trained for CIDEr-D", BEAM),
        ("three EfficientNets, distilled", BEAM),
    ),
    ((TEACHERS.label, BEAM), ("three EfficientNets", BEAM)),
    ((TEACHERS.label, WITH_CONSENSUS), ("three EfficientNets", WITH_CONSENSUS)),
    ((ALL_EYES.label, BEAM), ("three EfficientNets and Xception", BEAM)),
    ((ALL_EYES.label, WITH_CONSENSUS), ("three EfficientNets and Xception", WITH_CONSENSUS)),
    (("all six distilled together", BEAM), ("distilled, then trained for CIDEr-D", BEAM)),
    ((f"{SHIPPED}, guided", BEAM), (f"{SHIPPED}, not guided", BEAM)),
)


class Results:
    """What is measured so far: a row per captioner, search and split, all on the same drawn sets.

    Attributes:
        rows: Dicts (captioner, search, split, scores, variety, costs).
        scored: (captioner, search, split) -> the scores of the mean seed, a DataFrame whose first
            row is the split itself and whose others are the sets that were drawn from it.

    Args:
        references: split -> image -> captions of people, cleaned.
        train: The captions that people wrote for the train pictures.
    """

    def __init__(self, references: dict[str, dict[str, list[str]]], train: set[str]) -> None:
        self.references, self.train = references, train
        self.drawn = {
            split: np.vstack([np.ones(len(texts), int), draw_pictures(len(texts), SEED)])
            for split, texts in references.items()
        }
        self.rows: list[dict] = []
        self.scored: dict[tuple[str, str, str], pd.DataFrame] = {}

    def add(self, label: str, captions: Sequence[Captions]) -> None:
        """Score what a captioner says: every search and split, all seeds together."""
        for search in dict.fromkeys(own.search for own in captions):
            seeds = [own for own in captions if own.search == search]
            for split in seeds[0].said:
                references = list(self.references[split].values())
                said = [
                    [own.said[split][image] for image in self.references[split]] for own in seeds
                ]
                costs = pd.DataFrame([costs_on(split, own.costs) for own in seeds]).mean()
                found = self.measure((label, search, split), said, [references] * len(said))
                self.rows.append(found | {"seeds": len(said)} | costs.to_dict())

    def add_floor_and_ceiling(self, run: Run) -> None:
        """Score on test what any model should beat, and what people reach.

        Args:
            run: Its features say which train picture is the nearest.
        """
        references = list(self.references["test"].values())
        names = {
            "constant caption": "the best of 60 train captions, always the same",
            "caption of a random picture": "caption of a random train picture",
            "caption of the nearest picture": "caption of the nearest train picture "
            f"({run.settings.encoder.replace('+', ', ')})",
        }
        for name, texts in floor_captions(run).items():
            self.rows.append(self.measure((names[name], "", "test"), [texts], [references]))
        turns = range(min(map(len, references)))
        said = [[texts[turn] for texts in references] for turn in turns]
        others = [[texts[:turn] + texts[turn + 1 :] for texts in references] for turn in turns]
        found = self.measure((PEOPLE, "", "test"), said, others)
        # What five people differ by is not what trainings differ by.
        self.rows.append({name: value for name, value in found.items() if name[-3:] != "_sd"})

    def measure(
        self, key: tuple[str, str, str], said: list[list[str]], references: list[list[list[str]]]
    ) -> dict:
        """Score the captions of several seeds, N each.

        Returns:
            captioner, search, split; mean and standard deviation (`_sd`) of the seeds' scores; ends
            (`_low`, `_high`) of the 95 % intervals over the pictures, the seeds averaged within
            each drawn set; `variety`, the mean over the seeds.
        """
        drawn = self.drawn[key[-1]]
        tables = [resampled_scores(*pair, drawn) for pair in zip(said, references, strict=True)]
        seeds = pd.concat([table[:1] for table in tables])
        self.scored[key] = scored = sum(tables[1:], tables[0]) / len(tables)
        found: dict = dict(zip(("captioner", "search", "split"), key, strict=True))
        found |= seeds.mean().to_dict() | seeds.std().add_suffix("_sd").to_dict()
        for name, (low, high) in intervals_of(scored.loc[1:, PLACED]).items():
            found |= {f"{name}_low": low, f"{name}_high": high}
        return found | pd.DataFrame([variety(texts, self.train) for texts in said]).mean().to_dict()

    def gains(self, pairs: Sequence[tuple[tuple[str, str], tuple[str, str]]]) -> pd.DataFrame:
        """Compare captioners on the test pictures, and on the same sets drawn from them.

        Args:
            pairs: (captioner, search) of the one and of the other.

        Returns:
            A DataFrame, a row per pair: captioner, over (with their searches), and of BLEU-4 and
            CIDEr-D the gain of the first and the ends (`_low`, `_high`) of its 95 % interval.
        """
        rows = []
        for one, other in pairs:
            gains = (self.scored[*one, "test"] - self.scored[*other, "test"])[PLACED]
            row = {"captioner": ", ".join(one), "over": ", ".join(other)} | gains.loc[0].to_dict()
            for name, (low, high) in intervals_of(gains[1:]).items():
                row |= {f"{name}_low": low, f"{name}_high": high}
            rows.append(row)
        return pd.DataFrame(rows)


def costs_on(split: str, costs: dict) -> dict[str, float]:
    """Return costs with the seconds of decoding one split in place of those of each."""
    return {name: cost[split] if name == "decoding" else cost for name, cost in costs.items()}


def main() -> None:
    """Train, search and score what is missing, then write the tables and the chart."""
    get_weights(Run(settings_of(row.encoder)) for row in ROWS)
    run = prepared(settings_of(LITES))
    train = {text for texts in run.references("train").values() for text in texts}
    results = Results({split: run.references(split) for split in SPLITS}, train)
    for row in ROWS:
        results.add(row.label, captions_of(row, settings_of(row.encoder)))
        own = pd.DataFrame(results.rows).query("captioner == @row.label")
        shown = own[["search", "split", *PLACED]].round(1).to_string(index=False)
        print(f"\n{row.label}\n{shown}", flush=True)
    for label, captions in captions_of_shipped(run).items():
        results.add(label, [captions])
    results.add_floor_and_ceiling(run)
    table = pd.DataFrame(results.rows)
    save_table(FIGURES / "results.csv", table.round(4))
    set_style()
    save_figure(draw(table), FIGURES, "results")
    write_pages(table, results.gains(DIFFERENCES))


if __name__ == "__main__":
    main()
