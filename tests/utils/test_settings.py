import pytest

from utils.errors import CourseError
from utils.settings import ROOT, load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("DATASET", "ENCODER", "PROFILE", "RUNS", "DATA"):
        monkeypatch.delenv(f"CAPTION_{name}", raising=False)


def test_defaults_are_the_embedded_data_set_and_vgg16():
    settings = load_settings()
    assert (settings.dataset, settings.encoder, settings.profile) == ("scenes", "vgg16", "full")
    assert settings.run_folder == ROOT / "data" / "runs" / "scenes-vgg16"


def test_the_environment_chooses_and_an_argument_wins(monkeypatch):
    monkeypatch.setenv("CAPTION_DATASET", "flickr8k")
    monkeypatch.setenv("CAPTION_ENCODER", "efficientnet_lite0")
    assert load_settings().run_folder.name == "flickr8k-efficientnet_lite0"
    assert load_settings(encoder="vgg16").run_folder.name == "flickr8k-vgg16"
    assert load_settings(units=99).units == 99


def test_an_empty_variable_is_no_choice(monkeypatch):
    monkeypatch.setenv("CAPTION_DATASET", "")
    assert load_settings().dataset == "scenes"


def test_runs_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("CAPTION_RUNS", str(tmp_path))
    assert load_settings().run_folder == tmp_path / "scenes-vgg16"


def test_a_folder_of_ones_own_is_a_data_set(tmp_path):
    folder = tmp_path / "holiday"
    folder.mkdir()
    settings = load_settings(dataset=str(folder))
    assert settings.data_folder == folder
    assert settings.run_folder.name == "holiday-vgg16"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"encoder": "alexnet"}, "Unknown encoder 'alexnet'"),
        ({"dataset": "flickr9k"}, "Unknown data set 'flickr9k'"),
        ({"profile": "quick"}, "Unknown profile 'quick'"),
    ],
)
def test_unknown_names_are_refused(change, sentence):
    with pytest.raises(CourseError, match=sentence):
        load_settings(**change)
