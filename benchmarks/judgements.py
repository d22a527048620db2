"""Which score do people agree with? Kendall's tau-c with three experts' ratings of Flickr8k.

    .venv/bin/python -m benchmarks.judgements      # a minute

The protocol is that of the literature (Hessel et al., "CLIPScore", EMNLP 2021): a picture's own
captions are left out, its five captions are the references, every rating counts by itself. Needs
Flickr8k. Writes benchmarks/judgements.json, which notebook 06 shows, and the table in
benchmarks/README.md; no captions.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tables import markdown_table, write_table
from utils.artifacts import fingerprint, write_json
from utils.datasets import load_agreement, read_judgements
from utils.datasets.flickr8k import JUDGEMENTS, fetch_flickr8k
from utils.datasets.tables import read_captions
from utils.metrics import bleu_4_scores, cider_d_scores, kendall_tau_c, rouge_l_scores
from utils.metrics.bleu import corpus_bleu
from utils.metrics.protocol import split_pairs
from utils.settings import ROOT, default_settings
from utils.vocabulary import clean_caption

RATINGS = ["lowest", "middle", "highest"]
PUBLISHED = {"BLEU-4": 30.8, "ROUGE-L": 32.3, "CIDEr-D": 43.9}  # Hessel et al., 2021, table 1
CONTROLS = ("words in the caption", "random number")  # know nothing of the picture
RESAMPLES = 1000
SEED = 7  # that of the course


def score_each(judged: pd.DataFrame, captions: pd.DataFrame) -> pd.DataFrame:
    """Score every judged caption by itself.

    Args:
        judged: M rows of what `read_judgements` returns.
        captions: DataFrame (image, caption): what people wrote, the references.

    Returns:
        A DataFrame of M rows, a column per score. All captions are cleaned first, as in notebook
        01. CIDEr-D takes its document frequencies from the M rows, as the toolkit does when it
        is given them: a picture counts as often as it was judged.
    """
    said = judged["caption"].map(clean_caption).tolist()
    texts = captions["caption"].map(clean_caption).groupby(captions["image"], sort=False).agg(list)
    references = texts[judged["image"]].tolist()
    pairs = zip(*split_pairs(said, references), strict=True)
    bleu = np.array([corpus_bleu([words], [others]) for words, others in pairs])
    return pd.DataFrame(
        {
            **{f"BLEU-{n}": scores for n, scores in enumerate(bleu.T, 1)},
            "BLEU-4, one added": bleu_4_scores(said, references),
            "ROUGE-L": rouge_l_scores(said, references),
            "CIDEr-D": cider_d_scores(said, references),
            "words in the caption": [len(text.split()) for text in said],
            "random number": np.random.default_rng(SEED).random(len(said)),
        }
    )


def agreements(judged: pd.DataFrame, scores: pd.DataFrame) -> dict[str, float]:
    """Return Kendall's tau-c, times 100, of every score with the single ratings.

    Two rows set the scale. One expert: each rating as a score for the other two of its caption.
    The mean of all three comes close to the most that any score can reach, for the experts differ.
    """
    ratings = judged[RATINGS].to_numpy()
    every = ratings.ravel()
    found = {name: kendall_tau_c(np.repeat(scores[name], 3), every) for name in scores}
    others = ratings[:, [1, 2, 0, 2, 0, 1]].ravel()
    found["one expert"] = kendall_tau_c(np.repeat(ratings, 2, axis=1).ravel(), others)
    found["mean of the three experts"] = kendall_tau_c(np.repeat(ratings.mean(axis=1), 3), every)
    return {name: 100 * tau for name, tau in found.items()}


def intervals(judged: pd.DataFrame, scores: pd.DataFrame, resamples: int) -> pd.DataFrame:
    """Return the 95 % bootstrap interval of every tau-c: columns low and high.

    Pictures are drawn, with all their captions and ratings, because those belong together.
    """
    rng = np.random.default_rng(SEED)
    of_picture = list(judged.groupby("image").indices.values())
    drawn = []
    for _ in range(resamples):
        chosen = rng.integers(len(of_picture), size=len(of_picture))
        rows = np.concatenate([of_picture[picture] for picture in chosen])
        drawn.append(agreements(judged.iloc[rows], scores.iloc[rows]))
    return pd.DataFrame(drawn).quantile([0.025, 0.975]).T.set_axis(["low", "high"], axis=1)


def read_references(folder: Path) -> pd.DataFrame:
    """Return what people wrote about the pictures of Flickr8k: DataFrame (image, caption)."""
    captions, _ = read_captions(folder / "Flickr8k.token.txt", quoted=False)
    return captions.assign(image=captions["image"].str.rsplit("#", n=1).str[0])


def measure(folder: Path, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Measure all of it, ready for judgements.json.

    Args:
        folder: What `fetch_flickr8k` made.
        resamples: How many sets of pictures the bootstrap draws.
    """
    judged = read_judgements(folder)
    scores = score_each(judged, read_references(folder))
    found = pd.DataFrame({"tau_c": agreements(judged, scores)})
    found = found.join(intervals(judged, scores, resamples)).round(2)
    names = (JUDGEMENTS, "Flickr8k.token.txt")
    return {
        "made_by": "python -m benchmarks.judgements",
        "sha256": {name: fingerprint(folder / name) for name in names},
        "pictures": judged["image"].nunique(),
        "captions": len(judged),
        "ratings": judged[RATINGS].size,
        "agreement": [
            {"score": name, "kind": kind_of(name), **row, "published": PUBLISHED.get(name)}
            for name, row in found.to_dict("index").items()
        ],
    }


def kind_of(name: str) -> str:
    """Return whether a row of the table is a score, a control or what people reach."""
    return "control" if name in CONTROLS else "people" if "expert" in name else "score"


def markdown(agreement: pd.DataFrame) -> str:
    """Return the table of benchmarks/README.md, given what `load_agreement` returned."""
    rows = [
        [
            name if row["kind"] == "score" else f"*{name}*",
            f"{row['tau_c']:.1f}",
            f"{row['low']:.1f} to {row['high']:.1f}",
            "" if np.isnan(row["published"]) else f"{row['published']:.1f}",
        ]
        for name, row in agreement.iterrows()
    ]
    return markdown_table(["score", "tau-c", "95 % interval", "published"], rows)


def main() -> None:
    """Measure, then write the stored table and the page."""
    folder = default_settings("flickr8k", "vgg16", "full").data_folder
    fetch_flickr8k(folder)
    write_json(ROOT / "benchmarks" / "judgements.json", measure(folder))
    agreement = load_agreement()
    write_table(ROOT / "benchmarks" / "README.md", "judgements", markdown(agreement))
    print(agreement.to_string())


if __name__ == "__main__":
    main()
