"""Every notebook is executed in order, as a reader would; the committed copies are tidy."""

import json
import re
import shutil

import nbformat
import numpy as np
import pandas as pd
import pytest
from reruns import Session, contents, rerun_from

from commands.notebooks import (
    NOTEBOOKS,
    PHOTO_STEPS,
    REWARD_STEPS,
    SOLUTIONS,
    STEPS,
    execute,
    main,
)
from utils.consensus import CANDIDATES
from utils.errors import CourseError
from utils.evaluation import WITH_CONSENSUS, captions_said
from utils.files import runs_root
from utils.run import Run
from utils.settings import load_settings

COMMITTED = [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(NOTEBOOKS.glob("solutions/*.ipynb"))]


def changed(step, before, after, heading=None):
    """Execute a notebook in which a text stands in place of another; nothing is kept of it.

    From the heading on it is executed once more, which leaves every file and output the same.
    """
    with Session(step, {before: after}).started() as session:
        whole = session.run()
        if heading:
            number = dict(session.headings())[heading]
            differences = rerun_from(session, heading, number, whole, runs_root())
            assert not differences, "\n".join(differences)


def test_training_before_everything_is_refused(fast):
    """Comes before the `run` fixture: nothing is there yet."""
    with pytest.raises(CourseError, match=r"05_training\.ipynb stopped .* run 01_data_cleaning"):
        execute("05_training", fast / "05.ipynb")
    assert not Run(load_settings()).path("model.keras").exists()


def test_training_before_tokenization_is_refused_and_the_model_stays(run, fast):
    before = run.path("model.keras").read_bytes()
    run.path("vocabulary.json").rename(fast / "vocabulary.json")
    try:
        with pytest.raises(CourseError, match=r"vocabulary\.json is missing .* 03_tokenization"):
            execute("05_training", fast / "05.ipynb")
    finally:
        (fast / "vocabulary.json").rename(run.path("vocabulary.json"))
    assert run.path("model.keras").read_bytes() == before


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
        "captioner/manifest.json",
    ):
        assert (run.folder / name).stat().st_size > 0, name
    assert not (run.folder / "training").exists()
    assert not list(run.folder.glob(".*tmp*"))
    assert run.holds("metrics.json")


def test_every_dev_and_test_picture_is_captioned(run):
    captions, predictions = run.load("captions.csv"), run.load("predictions.csv")
    assert list(captions.columns) == ["image", "split", "caption"]
    assert list(predictions.columns) == ["image", "split", "beam_size", "consensus", "caption"]
    for split in ("dev", "test"):
        expected = set(captions.loc[captions["split"] == split, "image"])
        for beam_size, consensus in ((1, False), (3, False), (CANDIDATES, True)):
            said = captions_said(predictions, split, beam_size, consensus)
            assert sorted(said) == sorted(expected)


def test_metrics_are_the_scores_of_the_predictions(run):
    from utils.metrics import score_captions

    predictions, metrics = run.load("predictions.csv"), run.load("metrics.json")
    references = run.references("test")
    chosen = predictions[predictions["split"].eq("test") & predictions["beam_size"].eq(3)]
    said = chosen.set_index("image")["caption"]
    expected = score_captions(said.tolist(), [references[image] for image in said.index])
    for name, value in expected.items():
        assert metrics["test"]["3"][name] == pytest.approx(value)
    assert metrics["dev_perplexity"] > 1
    assert {
        "features",
        "training",
        "decoding_beam_1",
        "decoding_beam_3",
        "decoding_consensus",
    } <= set(metrics["seconds"])
    assert set(metrics["facts"]["test"]) == {"main", "action", "color", "place"}
    floor = metrics["floor_and_ceiling"]
    assert 0 < floor["constant caption"]["bleu_1"] < 100
    assert floor["one person against the others"]["cider_d"] > floor["constant caption"]["cider_d"]


def test_training_for_the_score_goes_on_from_a_run(run, monkeypatch, capsys):
    before = run.path("model.keras").read_bytes()
    monkeypatch.setattr("sys.argv", ["course", "--reward"])
    main()
    assert "bleu_4" in capsys.readouterr().out
    history = run.load("history_self_critical.csv")
    assert history["epoch"].tolist() == list(range(len(history)))
    metrics = run.load("metrics_self_critical.json")
    best = history["dev_cider_d"].max()
    assert metrics["dev"]["3"]["cider_d"] == pytest.approx(best, abs=1e-6)
    assert run.path("model.keras").read_bytes() == before
    assert not (run.folder / "training_second").exists()
    assert not (run.folder / "training_student").exists()


def test_features_have_a_row_per_picture(run):
    features = run.features()
    images = run.load("captions.csv")["image"].nunique()
    assert features.shape == (images, 1280)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_the_captioner_says_what_notebook_06_wrote(run):
    from utils import load_captioner

    predictions = run.load("predictions.csv")
    chosen = predictions[predictions["split"].eq("test") & predictions["beam_size"].eq(3)][:4]
    paths = [run.picture_path(image) for image in chosen["image"]]
    for name in (run.folder, run.folder.name, f"{run.folder.name}/captioner"):
        said = load_captioner(name).caption(paths, guided=False)
        assert said == chosen["caption"].tolist()


def test_the_model_of_notebook_07_can_be_loaded(run):
    from utils import load_captioner

    predictions = run.load("predictions_self_critical.csv")
    chosen = predictions[predictions["split"].eq("test") & predictions["beam_size"].eq(3)][:4]
    paths = [run.picture_path(image) for image in chosen["image"]]
    captioner = load_captioner(f"{run.folder.name}/captioner_self_critical")
    assert captioner.caption(paths, guided=False) == chosen["caption"].tolist()


# Settings changed, cells run again --------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("units=32, seed=9", "seed=7, but the settings say 9: run 05_training.ipynb"),
        ("picture_count=90", "scenes-90-efficientnet_lite0-fast: run 01_data_cleaning.ipynb"),
    ],
)
def test_evaluation_with_settings_that_the_model_does_not_have_is_refused(run, change, sentence):
    before = contents(run.folder)
    with pytest.raises(Exception, match=re.escape(sentence)):
        changed("06_evaluation", "load_settings()", f"load_settings({change})")
    assert contents(run.folder) == before


def test_settings_changed_in_02_05_and_06_reach_scores_and_captioner(run, fast, monkeypatch):
    """Training and evaluation in a named run, beside the model; cells run again, on the way."""
    from utils import load_captioner

    shutil.copytree(run.folder, fast / "changed" / run.folder.name)
    monkeypatch.setenv("CAPTION_RUNS", str(fast / "changed"))
    similar = "8 · Do similar pictures get similar vectors?"
    mirrored = "load_settings(mirrored=True)"
    changed("02_feature_extraction", "load_settings()", mirrored, similar)
    unnamed = Run(load_settings())
    with pytest.raises(CourseError, match=r"model.keras was made from another features.npy"):
        unnamed.check("model.keras")
    before = contents(unnamed.folder)
    name = 'load_settings(run="wide", '
    changed("05_training", "load_settings()", f"{name}units=96, epochs=1)", "4 · Train")
    scored = f"{name}alpha=0.0, beam_size=2)"
    changed("06_evaluation", "load_settings()", scored, "9 · The scores")
    wide = Run(load_settings(run="wide"))
    assert (wide.settings.units, wide.settings.alpha, wide.settings.epochs) == (96, 0.0, 1)
    assert wide.load("features.npy").shape[1] == 2
    assert wide.load("model.keras").get_layer("lstm").units == 96
    assert set(wide.load("metrics.json")["test"]) == {"1", "2", WITH_CONSENSUS}
    assert contents(unnamed.folder) == before
    captioner = load_captioner(wide.folder.name)
    assert captioner.settings.mirrored
    assert (captioner.settings.alpha, captioner.settings.beam_size) == (0.0, 2)
    # Trained anew: the scores of before are stale until 06 has run again.
    model = wide.load("model.keras")
    model.set_weights([2 * array for array in model.get_weights()])
    Run(load_settings(run="wide"), "05_training").save("model.keras", model)
    with pytest.raises(CourseError, match=r"predictions.csv was made from another model.keras"):
        wide.check("metrics.json")
    monkeypatch.setattr("sys.argv", ["course", "--runs"])
    main()


def test_a_picture_that_went_missing_is_named_and_features_stay(run, fast):
    before = run.path("features.npy").read_bytes()
    (run.folder / "features.json").unlink()  # so that notebook 02 has to extract again
    gone = run.picture_path(pd.read_csv(run.path("pictures.csv"))["image"][5])
    gone.rename(gone.with_suffix(".away"))
    try:
        with pytest.raises(CourseError, match=f"02_feature_extraction.*{gone.name}"):
            execute("02_feature_extraction", fast / "02.ipynb")
    finally:
        gone.with_suffix(".away").rename(gone)
    assert run.path("features.npy").read_bytes() == before


# The committed copies ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_committed_notebooks_are_in_order(path):
    text = path.read_text("utf-8")
    assert len(text) < 1_500_000
    without_pictures = re.sub(r'"image/\w+": "[^"]*"', "", text)
    assert not re.search(r"/(home|root|tmp|work|Users)/|[A-Z]:\\\\", without_pictures)
    cells = [cell for cell in nbformat.reads(text, 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]
    nbformat.validate(nbformat.reads(text, 4))


def test_logarithmic_axes_have_plain_numbers():
    """`set_style` draws no formulas, and Matplotlib writes 1,000 as one."""
    for path in COMMITTED:
        for cell in nbformat.read(path, 4).cells:
            if re.search(r'loglog|semilog|scale(=|\()"log', cell.source):
                assert re.search(r"set_major_formatter|set_yticks", cell.source), path.name


def test_all_notebooks_are_there():
    chapters = [*STEPS, *REWARD_STEPS, *PHOTO_STEPS]
    assert [path.stem for path in COMMITTED if path.parent == NOTEBOOKS] == chapters
    assert [f"solutions/{step}" for step in chapters] == list(SOLUTIONS)


@pytest.mark.parametrize("step", [*STEPS, *REWARD_STEPS, *PHOTO_STEPS])
def test_every_exercise_has_its_answer(step):
    def found(path, pattern):
        cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown"]
        return [hit for cell in cells for hit in re.findall(pattern, cell.source, re.MULTILINE)]

    (asked,) = found(NOTEBOOKS / f"{step}.ipynb", r"^## Exercises\n((?:.|\n)*?)(?=^## |\Z)")
    numbers = re.findall(r"^(\d+)\. ", asked, re.MULTILINE)
    assert numbers
    assert found(NOTEBOOKS / "solutions" / f"{step}.ipynb", r"^## (\d+) · ") == numbers


def test_notebooks_are_plain_json_that_git_can_compare():
    for path in COMMITTED:
        assert json.loads(path.read_text("utf-8"))["nbformat"] == 4
