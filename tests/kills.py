"""Work that is killed at random moments: `kill -9`, as by a battery that is empty.

TensorFlow is imported once, in a process that does nothing but fork a child for every piece of
work; the parent kills it when its time is over.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PREPARED, TRAINED, REWARDED = "01_data_cleaning", "05_training", "07_self_critical_training"
TINY = {
    "embedding_size": 16, "units": 16, "epochs": 5, "batch_size": 32, "reward_epochs": 4,
    "reward_batch_size": 20, "reward_patience": 4, "max_length": 12,
}  # fmt: skip


class Worker:
    """Does `STAGES` in a folder, one after the other, each in a process of its own."""

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        # The folder of this file has a `utils` as well.
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen([sys.executable, __file__], env=environment, **pipes)
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()

    def do(self, stage, folder, seconds=600.0):
        """Do a stage, for so many seconds at most; returns whether it was killed, and its time."""
        print(json.dumps([stage, str(folder), seconds]), file=self.process.stdin, flush=True)
        killed, took = json.loads(self.process.stdout.readline())
        return killed, took


def prepare(run, settings):
    """What notebooks 01 to 03 do, with made-up features."""
    from utils import datasets
    from utils.vocabulary import build_vocabulary

    raw = datasets.load_raw_dataset(settings)
    pictures = datasets.inspect_pictures(raw)
    defects = datasets.find_defects(raw, pictures)
    run.save("defects.csv", defects)
    captions, kept = datasets.clean_dataset(raw, pictures, defects)
    run.save_clean(raw, captions, kept)
    features = np.random.default_rng(0).normal(size=(len(kept), 1, 8)).astype(np.float32)
    run.save("features.npy", features)
    train = captions.loc[captions["split"] == "train", "caption"]
    vocabulary = build_vocabulary(train, settings.min_count)
    run.save("vocabulary.json", {"words": vocabulary.words})
    run.save("tokens.npy", vocabulary.encode(captions["caption"]))


def train(run, settings):
    """What notebook 05 does."""
    from utils import training
    from utils.batches import Batches
    from utils.checkpoint import remove_progress

    batches = Batches(*run.captions_of("train"), settings.batch_size, settings.seed)
    model = training.untrained_model(batches, len(run.vocabulary()), settings)
    folder = run.folder / "training"
    result = training.train(model, batches, run.captions_of("dev"), settings, folder)
    run.save("model.keras", result.model)
    run.save("history.csv", result.history)
    remove_progress(folder)


def reward(run, settings):
    """What notebook 07 does."""
    from utils.captioner import captioner_of_run
    from utils.checkpoint import remove_progress
    from utils.self_critical import train_for_score

    model, folder = run.load("model.keras"), run.folder / "reward"
    parts = [run.pictures_of(split)[1:] for split in ("train", "dev")]
    model, history, _ = train_for_score(model, *parts, run.vocabulary(), settings, folder)
    run.save("model_self_critical.keras", model)
    run.save("history_self_critical.csv", history)
    captioner_of_run(run, "model_self_critical.keras").save(run.folder / "captioner")
    remove_progress(folder)


STAGES = {PREPARED: prepare, TRAINED: train, REWARDED: reward}


def _work(stage, folder):
    from utils.run import Run
    from utils.settings import load_settings

    os.environ["CAPTION_DATA"] = folder
    named = {"dataset": "scenes", "picture_count": 80, "encoder": "efficientnet_lite0", "run": ""}
    settings = load_settings(**named, **TINY)
    run = Run(replace(settings, profile="fast"), None if stage == PREPARED else stage)
    STAGES[stage](run, run.settings)


def _serve():
    import utils.self_critical
    import utils.training  # noqa: F401

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        stage, folder, seconds = json.loads(line)
        started = time.monotonic()
        child = os.fork()
        if not child:
            try:
                _work(stage, folder)
                os._exit(0)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        status = _wait(child, started + seconds)
        killed = os.WIFSIGNALED(status)
        assert killed or status == 0, f"{stage} failed"
        print(json.dumps([killed, time.monotonic() - started]), file=answers, flush=True)


def _wait(child, end):
    """Return how a child ended, killed at the time given if it was not over then."""
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1]
        time.sleep(0.005)


def contents_of_data(folder):
    """The bytes of a drawn data set: dict from name to content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    _serve()
