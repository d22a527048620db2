"""How much memory does a data set of COCO's size take? Every stage in a process of its own.

    .venv/bin/python -m benchmarks.memory      # a quarter of an hour, 3 GB of temporary files

As many pictures, captions and words as COCO has, two views of each picture, all made up: the
memory does not depend on what is in them. Trained are a few steps, on the longest captions.
Writes the table in benchmarks/README.md.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from benchmarks.tables import markdown_table, write_table
from utils.batches import Batches
from utils.run import Run
from utils.settings import ROOT, Settings, default_settings

PICTURES, MORE_CAPTIONS = 123_287, 332  # five captions a picture, and one more of some: 616,767
TESTED = 5000  # pictures of dev, and of test (Karpathy's split)
WORDS = 27_000  # of which 10,000 are seen five times
STEPS = 5  # of training
DECODED = 1000  # pictures: those after them take no more memory


def settings_of(folder: Path) -> Settings:
    """Return the settings of a large model with two views of every picture, below a folder."""
    changes = {"mirrored": True, "units": 512, "epochs": 1}
    return default_settings(str(folder / "coco"), "vgg16", "full", **changes)


def typed_captions(count: int, rng: np.random.Generator) -> list[str]:
    """Make up captions as somebody types them, as long as COCO's and with words as frequent."""
    words = np.array([f"w{number:x}" for number in range(WORDS)], object)
    frequencies = 1 / np.arange(1, WORDS + 1)
    lengths = np.clip(rng.normal(10.5, 2.4, count).round(), 6, 49).astype(int)
    said = words[rng.choice(WORDS, lengths.sum(), p=frequencies / frequencies.sum())]
    parts = np.split(said, np.cumsum(lengths)[:-1])
    return [" ".join(part).capitalize() + "." for part in parts]


def clean(run: Run, pictures: int) -> None:
    """Do what notebook 01 does, once the pictures are read."""
    from utils.datasets import RawDataset, clean_dataset, find_defects

    rng = np.random.default_rng(0)
    images = np.array([f"COCO_{number:012}.jpg" for number in range(pictures)])
    more = rng.integers(pictures, size=MORE_CAPTIONS * pictures // PICTURES)
    rows = np.sort(np.concatenate([np.repeat(np.arange(pictures), 5), more]))
    captions = pd.DataFrame({"image": images[rows], "caption": typed_captions(len(rows), rng)})
    tested = TESTED * pictures // PICTURES
    splits = pd.Series("train", images)
    splits.iloc[:tested], splits.iloc[tested : 2 * tested] = "dev", "test"
    raw = RawDataset("coco", run.settings.data_folder / "Images", captions, splits)
    prints = [f"{number:064x}" for number in range(pictures)]
    found = pd.DataFrame({"image": images, "sha256": prints, "problem": "", "reason": ""})
    defects = find_defects(raw, found)
    run.save("defects.csv", defects)
    run.save_clean(raw, *clean_dataset(raw, found, defects))


def extract(run: Run, pictures: int) -> None:
    """Do what notebook 02 does, with an encoder that looks at nothing."""
    from utils.encoders import encoder_info, write_views

    rng = np.random.default_rng(0)
    numbers = rng.random((512, encoder_info("vgg16").feature_size), np.float32)
    encoder = SimpleNamespace(
        name="vgg16", predict_on_batch=lambda batch: numbers[rng.integers(512, size=len(batch))]
    )
    picture = rng.integers(256, size=(224, 224, 3)).astype(np.uint8)
    path, made_from = run.path("features.npy"), run.check("pictures.csv")
    part, seconds = write_views(path, [picture] * pictures, encoder, True, made_from)
    run.save("features.npy", part, seconds=round(seconds, 1))


def tokenize(run: Run, _: int) -> None:
    """Do what notebook 03 does."""
    from utils.vocabulary import build_vocabulary

    captions = run.load("captions.csv")
    train = captions.loc[captions["split"] == "train", "caption"]
    vocabulary = build_vocabulary(train, run.settings.min_count)
    run.save("vocabulary.json", {"words": vocabulary.words})
    run.save("tokens.npy", vocabulary.encode(captions["caption"]))


def find_neighbors(run: Run, _: int) -> None:
    """Find the nearest of all pictures for every test picture, as notebook 02 does."""
    from utils.blocks import nearest_rows

    _, features, _ = run.pictures_of("test")
    nearest_rows(features, run.features(), 5)


class FewSteps(Batches):
    """Batches of which an epoch has a few only."""

    @property
    def steps(self) -> int:
        """Number of batches of an epoch."""
        return min(STEPS, super().steps)

    def epoch(self, number: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield batches of the longest captions: none takes more memory."""
        most = self.steps * self.batch_size
        longest = np.argsort(np.count_nonzero(self.tokens, axis=1), kind="stable")[-most:]
        chosen = self.rows[longest], self.tokens[longest]
        return Batches(self.features, *chosen, self.batch_size, self.seed).epoch(number)


def learn(run: Run, _: int) -> None:
    """Do what notebook 05 does: standardize, take a few steps, measure the dev loss, save."""
    from utils.training import train, untrained_model

    settings = run.settings
    batches = FewSteps(*run.captions_of("train"), settings.batch_size, settings.seed)
    model = untrained_model(batches, len(run.vocabulary()), settings)
    model, history, *_ = train(model, batches, run.captions_of("dev"), settings, run.folder)
    run.save("model.keras", model)
    run.save("history.csv", history)


def evaluate(run: Run, _: int) -> None:
    """Do what notebook 06 does: beam search, scores, the captions of the nearest pictures."""
    from utils.decoding import make_decoder
    from utils.evaluation import floor_and_ceiling
    from utils.metrics import score_captions

    _, features, references = run.pictures_of("test")
    decode = make_decoder(run.load("model.keras"), run.vocabulary())
    said, _ = decode(features[:DECODED], run.settings.beam_size)
    score_captions(said, references[:DECODED])
    floor_and_ceiling(run)


def reward(run: Run, _: int) -> None:
    """Do what notebook 07 does: a few steps with all train captions as references."""
    from utils.self_critical import advantages_of, make_reward, make_reward_step, make_sampler
    from utils.self_critical import rewards_of as scores_of
    from utils.tensorflow_setup import keras

    settings, vocabulary = run.settings, run.vocabulary()
    _, features, references = run.pictures_of("train")
    model = run.load("model.keras")
    cider = make_reward(references)
    sample = make_sampler(model, len(vocabulary), settings.max_length)
    step = make_reward_step(model, keras.optimizers.Adam(settings.reward_learning_rate))
    for number in range(STEPS):
        rng = np.random.default_rng(number)
        pictures = rng.integers(len(features), size=settings.reward_batch_size)
        pictures = np.repeat(pictures, settings.reward_samples)
        seen = np.asarray(features[pictures], np.float32)
        tokens = sample(seen, [0, number])
        rewards = scores_of(tokens, pictures, vocabulary, cider)
        step(seen, tokens, advantages_of(rewards, settings.reward_samples))


STAGES: dict[str, tuple[str, Callable[[Run, int], None]]] = {
    "cleaning the captions": ("01_data_cleaning", clean),
    "extracting features": ("02_feature_extraction", extract),
    "nearest pictures": ("02_feature_extraction", find_neighbors),
    "tokens": ("03_tokenization", tokenize),
    "training": ("05_training", learn),
    "captions and scores": ("06_evaluation", evaluate),
    "training for CIDEr-D": ("07_self_critical_training", reward),
}


def do_stage(name: str, folder: Path, pictures: int) -> None:
    """Do one stage and print the peak of resident memory in GiB, files mapped into it included."""
    notebook, work = STAGES[name]
    work(Run(settings_of(folder), notebook, folder / "run"), pictures)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\n{peak / (2**30 if sys.platform == 'darwin' else 2**20):.2f}")


def measure(pictures: int = PICTURES) -> list[list[str]]:
    """Return a row per stage: its name, its notebook, the peak in GiB, seconds."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (notebook, _) in STAGES.items():
            started = time.perf_counter()
            command = [sys.executable, "-m", "benchmarks.memory", name, folder, str(pictures)]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            seconds, peak = time.perf_counter() - started, done.stdout.split()[-1]
            rows.append([name, notebook[:2], f"{peak} GiB", f"{seconds:.0f} s"])
            print(*rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure all stages and write the table; or do the one that the command line names."""
    if len(sys.argv) == 4:
        do_stage(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
        return
    table = markdown_table(["stage", "notebook", "peak memory", "seconds"], measure())
    write_table(ROOT / "benchmarks" / "README.md", "memory", table)


if __name__ == "__main__":
    main()
