"""Every notebook is executed in order, as a reader would; the committed copies are tidy."""

import json
import re

import nbformat
import numpy as np
import pandas as pd
import pytest

from utils.encoders import load_features
from utils.errors import CourseError
from utils.course import NOTEBOOKS, REWARD_STEPS, STEPS, execute, main
from utils.settings import load_settings

COMMITTED = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """An environment for the fast profile, everything in a temporary folder."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("course")
    for name, value in (
        ("DATASET", "scenes"),
        ("ENCODER", "efficientnet_lite0"),
        ("PROFILE", "fast"),
        ("DATA", folder),
    ):
        patch.setenv(f"CAPTION_{name}", str(value))
    patch.delenv("CAPTION_RUNS", raising=False)
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def run(fast):
    """The run folder after all notebooks."""
    patch = pytest.MonkeyPatch()
    patch.setattr("sys.argv", ["run"])
    main()
    patch.undo()
    return load_settings().run_folder


def test_training_before_everything_is_refused(fast):
    """Comes before the `run` fixture: nothing is there yet."""
    with pytest.raises(CourseError, match=r"05_training\.ipynb stopped .* run 01_data_cleaning"):
        execute("05_training", fast / "05.ipynb")
    assert not (load_settings().run_folder / "model.keras").exists()


def test_training_before_tokenization_is_refused_and_the_model_stays(run, fast):
    before = (run / "model.keras").read_bytes()
    (run / "vocabulary.json").rename(fast / "vocabulary.json")
    try:
        with pytest.raises(CourseError, match=r"vocabulary\.json is missing .* 03_tokenization"):
            execute("05_training", fast / "05.ipynb")
    finally:
        (fast / "vocabulary.json").rename(run / "vocabulary.json")
    assert (run / "model.keras").read_bytes() == before


def test_a_run_leaves_every_file(run):
    for name in (
        "captions.csv",
        "features.npy",
        "features.json",
        "vocabulary.json",
        "tokens.npy",
        "model.keras",
        "history.csv",
        "predictions.csv",
        "metrics.json",
    ):
        assert (run / name).stat().st_size > 0, name
    assert not (run / "training").exists()
    assert not list(run.glob(".*tmp*"))


def test_every_dev_and_test_picture_is_captioned(run):
    captions = pd.read_csv(run / "captions.csv")
    predictions = pd.read_csv(run / "predictions.csv", keep_default_na=False)
    assert list(captions.columns) == ["image", "split", "caption"]
    assert list(predictions.columns) == ["image", "split", "beam_size", "caption"]
    for split in ("dev", "test"):
        expected = set(captions.loc[captions["split"] == split, "image"])
        for beam_size in (1, 3):
            chosen = predictions["split"].eq(split) & predictions["beam_size"].eq(beam_size)
            assert sorted(predictions.loc[chosen, "image"]) == sorted(expected)


def test_metrics_are_the_scores_of_the_predictions(run):
    from utils.metrics import score_captions

    captions = pd.read_csv(run / "captions.csv")
    predictions = pd.read_csv(run / "predictions.csv", keep_default_na=False)
    metrics = json.loads((run / "metrics.json").read_text())
    references = captions[captions["split"] == "test"].groupby("image")["caption"].apply(list)
    chosen = predictions[predictions["split"].eq("test") & predictions["beam_size"].eq(3)]
    said = chosen.set_index("image")["caption"]
    expected = score_captions(said.tolist(), references[said.index].tolist())
    for name, value in expected.items():
        assert metrics["test"]["3"][name] == pytest.approx(value)
    assert metrics["dev_perplexity"] > 1
    assert {"features", "training", "decoding_beam_1", "decoding_beam_3"} <= set(metrics["seconds"])


def test_training_for_the_score_goes_on_from_a_run(run, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["run", "--reward"])
    main()
    assert "bleu_4" in capsys.readouterr().out
    history = pd.read_csv(run / "history_self_critical.csv")
    assert history["epoch"].tolist() == list(range(len(history)))
    metrics = json.loads((run / "metrics_self_critical.json").read_text())
    best = history["dev_cider_d"].max()
    assert metrics["dev"]["3"]["cider_d"] == pytest.approx(best, abs=1e-6)
    assert (run / "model_self_critical.keras").exists()
    assert not (run / "training_second").exists()


def test_features_have_a_row_per_picture(run):
    features = load_features(run)
    images = pd.read_csv(run / "captions.csv")["image"].nunique()
    assert features.shape == (images, 1280)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_the_captioner_says_what_notebook_06_wrote(run):
    from utils import load_captioner

    settings = load_settings()
    predictions = pd.read_csv(run / "predictions.csv", keep_default_na=False)
    chosen = predictions[predictions["split"].eq("test") & predictions["beam_size"].eq(3)][:4]
    paths = [settings.data_folder / "Images" / image for image in chosen["image"]]
    assert load_captioner(run).caption(paths) == chosen["caption"].tolist()


def test_a_picture_that_went_missing_is_named_and_features_stay(run, fast):
    before = (run / "features.npy").read_bytes()
    (run / "features.json").unlink()  # so that notebook 02 has to extract again
    pictures = pd.read_csv(run / "pictures.csv")
    gone = load_settings().data_folder / "Images" / pictures["image"][5]
    gone.rename(gone.with_suffix(".away"))
    try:
        with pytest.raises(CourseError, match=f"02_feature_extraction.*{gone.name}"):
            execute("02_feature_extraction", fast / "02.ipynb")
    finally:
        gone.with_suffix(".away").rename(gone)
    assert (run / "features.npy").read_bytes() == before


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_notebooks_are_in_order(path):
    text = path.read_text("utf-8")
    assert len(text) < 1_500_000
    assert not re.search(r"/(home|root|tmp|work|Users)/|[A-Z]:\\\\", text)
    cells = [cell for cell in nbformat.reads(text, 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]
    nbformat.validate(nbformat.reads(text, 4))


def test_all_notebooks_are_there():
    assert [path.stem for path in COMMITTED] == [*STEPS, *REWARD_STEPS]
