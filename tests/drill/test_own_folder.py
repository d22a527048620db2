"""`make run` on a folder of one's own goes on from the captioner that comes with the course."""

import pytest

from commands.notebooks import main
from scenes import generate_scenes
from utils import load_captioner
from utils.run import Run
from utils.settings import load_settings


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run of eighty drawings, with every setting as it is by default."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("course")
    generate_scenes(folder / "holiday", 80)
    patch.setenv("CAPTION_DATA", str(folder / "data"))
    patch.setenv("CAPTION_DATASET", str(folder / "holiday"))
    patch.setattr("sys.argv", ["course"])
    main()
    yield Run(load_settings())
    patch.undo()


def test_a_folder_goes_on_from_the_captioner(run):
    assert run.manifest("vocabulary.json")["settings"]["start"] == "pretrained"
    known, words = load_captioner("pretrained").vocabulary.words, run.vocabulary().words
    assert words[: len(known)] == known and len(words) > len(known)


def test_its_history_begins_with_the_captioner_as_it_came(run):
    history = run.load("history.csv")
    assert history["epoch"].tolist() == list(range(len(history)))
    assert history["dev_loss"].min() < history["dev_loss"][0] - 0.5


def test_its_captions_are_scored_and_its_model_is_a_captioner(run):
    assert run.load("metrics.json")["test"]
    captioner = load_captioner(run.folder.name)
    (caption,) = captioner.caption([run.picture_path(run.load("captions.csv")["image"][0])])
    assert caption
