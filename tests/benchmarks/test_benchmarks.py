"""The measurements: what they learn from, what they keep under which name, what they write."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmarks import __main__ as bench
from benchmarks import ablation, captions, pretrained, runs, trained
from benchmarks.tables import markdown_table, write_table
from utils.artifacts import fingerprint
from utils.captioner import load_captioner
from utils.errors import CourseError
from utils.files import FILES
from utils.run import Run
from utils.settings import default_settings
from utils.training import train
from utils.vocabulary import build_vocabulary

TINY = {"units": 8, "embedding_size": 8, "epochs": 3, "batch_size": 8, "max_length": 6}
WORDS = ("a red dog runs", "two cats sit", "a bird flies over a house", "birds", "a boat")
SPLITS = ["train"] * 12 + ["dev"] * 4 + ["test"] * 4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twenty pictures of one's own; all runs lie in a temporary folder."""
    monkeypatch.setenv("CAPTION_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "twenty"
    (folder / "Images").mkdir(parents=True)
    (folder / "captions.txt").write_text("image,caption\n")
    for number in range(len(SPLITS)):
        (folder / "Images" / f"{number:02}.jpg").write_bytes(bytes([number]))
    return folder


def settings_of(folder, **changes):
    return default_settings(str(folder), "efficientnet_lite0", "full", **TINY | changes)


def first_notebooks(folder, mirrored=True):
    """Write what notebooks 01 to 03 do, two captions a picture, 1280 numbers a view."""
    settings = settings_of(folder, mirrored=mirrored, min_count=1)
    images = [f"{number:02}.jpg" for number in range(len(SPLITS))]
    table = [
        {"image": image, "split": split, "caption": text}
        for number, (image, split) in enumerate(zip(images, SPLITS, strict=True))
        for text in (WORDS[number % 5], WORDS[number % 5] + " today")
    ]
    captions = pd.DataFrame(table)
    run = Run(settings, "01_data_cleaning")
    prints = [fingerprint(folder / "Images" / image) for image in images]
    raw = SimpleNamespace(sources=(folder / "captions.txt",), image_folder=folder / "Images")
    run.save_clean(raw, captions, pd.DataFrame({"image": images, "sha256": prints}))
    run = Run(settings, "02_feature_extraction")
    views = np.random.default_rng(0).normal(size=(len(images), 1 + mirrored, 1280))
    views = views.astype(np.float32) / np.float32(1280**0.5)
    run.save("features.npy", views, seconds=1.5)
    run = Run(settings, "03_tokenization")
    vocabulary = build_vocabulary(captions.loc[captions["split"] == "train", "caption"], 1)
    run.save("vocabulary.json", {"words": vocabulary.words})
    run.save("tokens.npy", vocabulary.encode(captions["caption"]))


def tiny_row(seeds=(1, 2), **changes):
    return trained.Row("ours", "efficientnet_lite0", seeds=seeds, **changes)


def table_settings(folder, **changes):
    """Of the tiny run, named as `trained.settings_of` names them."""
    changes = {"mirrored": True, "min_count": 1, "reward_epochs": 1} | changes
    named = trained.settings_of("vgg16").named
    return replace(settings_of(folder, **changes), named=named)


# Tables -----------------------------------------------------------------------------------------


def test_a_table_replaces_the_one_before(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- here -->\n<!-- end of here -->\nbelow\n", "utf-8")
    table = markdown_table(["a", "b"], [["1", r"\2"]])
    for _ in range(2):
        write_table(page, "here", table)
        assert page.read_text("utf-8") == (
            "above\n<!-- here -->\n| a | b |\n| --- | --- |\n| 1 | \\2 |\n"
            "<!-- end of here -->\nbelow\n"
        )
    with pytest.raises(ValueError, match="page.md must hold <!-- there -->"):
        write_table(page, "there", table)


# Names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reward", [False, True])
@pytest.mark.parametrize(
    ("changes", "of_likelihood", "of_reward"),
    [
        ({"alpha": 0.5}, False, True),
        ({"beam_size": 5}, False, True),
        ({"max_length": 20}, False, True),
        ({"reward_epochs": 9}, False, True),
        ({"units": 99}, True, True),
        ({"min_count": 3}, True, True),
        ({"mirrored": True}, True, True),
        ({"run": "wide"}, False, False),
        ({"profile": "fast"}, False, False),
    ],
)
def test_a_model_is_named_by_what_determines_it(changes, of_likelihood, of_reward, reward):
    settings = trained.settings_of("vgg16")
    other = replace(settings, **changes)
    differs = trained.path_of(other, reward) != trained.path_of(settings, reward)
    assert differs == (of_reward if reward else of_likelihood)


def caption_paths(row, settings):
    names = [[path.name for path in models] for models in trained.paths_of(row, settings).values()]
    searches = captions.SEARCHES
    return [captions.path_of(models, settings, search) for models in names for search in searches]


@pytest.mark.parametrize("changes", [{"alpha": 0.5}, {"max_length": 9}, {"units": 99}])
def test_captions_are_named_by_models_and_search(changes):
    settings, row = trained.settings_of("vgg16"), trained.ROWS[0]
    paths = caption_paths(row, settings)
    assert not {*paths} & {*caption_paths(row, replace(settings, **changes))}
    assert caption_paths(row, replace(settings, batch_size=settings.batch_size)) == paths


def test_only_captions_with_consensus_are_named_by_its_numbers(monkeypatch):
    settings = trained.settings_of("vgg16")
    before = [captions.path_of(["a.keras"], settings, search) for search in captions.SEARCHES]
    monkeypatch.setattr(captions, "NEIGHBORS", 7)
    after = [captions.path_of(["a.keras"], settings, search) for search in captions.SEARCHES]
    same = [old == new for old, new in zip(before, after, strict=True)]
    assert same == [not consensus for _, consensus in captions.SEARCHES.values()]


def test_rows_of_the_table_never_share_their_captions():
    paths = [caption_paths(row, trained.settings_of(row.encoder)) for row in trained.ROWS]
    for row, own in zip(trained.ROWS, paths, strict=True):
        assert len(own) == 3 * (1 if row.together else len(row.seeds))
    assert len({*sum(paths, [])}) == len(sum(paths, []))
    row = replace(trained.ROWS[0], label="another label")
    assert caption_paths(row, trained.settings_of("vgg16")) == paths[0]


def test_variants_of_the_ablation_never_share_their_scores(monkeypatch):
    paths = [ablation.path_of(change, 1) for change in ablation.VARIANTS.values()]
    assert len(set(paths)) == len(paths)
    assert ablation.path_of({}, 2) not in paths
    before = ablation.path_of({"units": 512}, 1)
    monkeypatch.setattr(ablation, "VARIANTS", {"another order": {"units": 512}})
    assert ablation.path_of({"units": 512}, 1) == before
    monkeypatch.setattr(ablation, "PLAIN", replace(ablation.PLAIN, dropout=0.1))
    assert ablation.path_of({"units": 512}, 1) != before


# Runs -------------------------------------------------------------------------------------------


def test_notebooks_are_executed_only_where_files_lack(folder, monkeypatch):
    executed = []

    def execute(step, target):
        executed.append(step)
        if step.startswith("03"):
            first_notebooks(folder)

    monkeypatch.setattr(runs, "execute", execute)
    for _ in range(2):
        run = runs.prepared(settings_of(folder))
        assert run.captions_of("train")[0].shape == (20, 2, 1280)
        assert executed == ["01_data_cleaning", "02_feature_extraction", "03_tokenization"]


def test_a_run_of_other_settings_is_refused_and_kept(folder, monkeypatch):
    first_notebooks(folder, mirrored=False)
    monkeypatch.setattr(runs, "execute", pytest.fail)
    with pytest.raises(CourseError, match="made with mirrored=False, but the settings say True"):
        captions.captions_of(tiny_row(), table_settings(folder))


# Trainings --------------------------------------------------------------------------------------


def test_a_row_of_the_results_end_to_end(folder, monkeypatch):
    first_notebooks(folder)
    trainings = []

    def counted(*arguments):
        trainings.append(arguments)
        return train(*arguments)

    monkeypatch.setattr(trained, "train", counted)
    settings = table_settings(folder)
    found = captions.captions_of(tiny_row(), settings)
    assert [own.search for own in found] == list(captions.SEARCHES) * 2
    for own in found:
        assert {split: len(said) for split, said in own.said.items()} == {"dev": 4, "test": 4}
        assert own.costs["features"] == 1.5 and own.costs["decoding"]["test"] > 0
    assert len(trainings) == 2
    # Another search is made anew and trains nothing.
    assert len(captions.captions_of(tiny_row(), replace(settings, alpha=0.2))) == len(found)
    assert len(trainings) == 2
    kept = list(trained.path_of(settings, False).parent.glob("**/*"))
    assert not [path for path in kept if path.is_dir() or path.suffix == ".npz"]


def test_a_distilled_model_learns_from_its_teachers(folder, monkeypatch):
    first_notebooks(folder)
    settings, seen = table_settings(folder), []
    teachers = tiny_row(together=True)
    monkeypatch.setattr(trained, "TEACHERS", teachers)
    monkeypatch.setattr(trained, "settings_of", lambda encoder: settings)
    monkeypatch.setattr(trained, "DISTILLED", {"epochs": 2})

    def watched(model, batches, *arguments):
        seen.append((batches, arguments[1].epochs))
        return train(model, batches, *arguments)

    monkeypatch.setattr(trained, "train", watched)
    row = tiny_row(seeds=(1,), distilled=True)
    assert len(captions.captions_of(row, settings)) == 3
    *_, (batches, epochs) = seen
    assert len(seen) == 3 and epochs == 2  # two teachers come first
    assert all(plain.distributions is None for plain, _ in seen[:2])
    people = len(seen[0][0].tokens)
    assert people < len(batches.tokens) <= people + trained.SAID * 12
    words, probabilities = batches.distributions
    assert len(list(trained.path_of(settings, False).parent.glob("taught-*.npz"))) == 1
    assert words.shape[:2] == (len(batches.tokens), batches.tokens.shape[1] - 1)
    there = batches.tokens[:, 1:] > 0
    np.testing.assert_allclose(probabilities.sum(-1)[there], 1, atol=0.01)
    before = caption_paths(row, settings)
    assert not {*before} & {*caption_paths(tiny_row(seeds=(1,)), settings)}
    monkeypatch.setattr(trained, "TEACHERS", replace(teachers, seeds=(1, 3)))
    assert not {*before} & {*caption_paths(row, settings)}


def test_no_model_is_loaded_for_captions_that_are_there(folder, monkeypatch):
    first_notebooks(folder)
    settings, row = table_settings(folder), tiny_row(seeds=(1,))
    found = captions.captions_of(row, settings)
    with monkeypatch.context() as patch:
        patch.setattr(captions, "captioners_of", pytest.fail)
        assert captions.captions_of(row, settings) == found
    greedy = caption_paths(row, settings)[-1]
    others = {path: path.stat().st_mtime_ns for path in caption_paths(row, settings)[:-1]}
    greedy.unlink()
    again = captions.captions_of(row, settings)
    assert [own.said for own in again] == [own.said for own in found]
    assert {path: path.stat().st_mtime_ns for path in others} == others


def test_rows_with_a_reward_and_together_end_to_end(folder):
    first_notebooks(folder)
    settings = table_settings(folder)
    alone = captions.captions_of(tiny_row(reward=True), settings)
    together = captions.captions_of(tiny_row(reward=True, together=True), settings)
    assert len(alone) == 2 * len(together) == 2 * len(captions.SEARCHES)
    assert together[0].costs["parameters"] == 4 * alone[0].costs["parameters"]
    seconds = alone[0].costs["training"] + alone[-1].costs["training"]
    assert together[0].costs["training"] == pytest.approx(seconds)


def test_the_shipped_captioner_looks_at_the_pictures_once(folder, monkeypatch):
    first_notebooks(folder)
    run, asked = Run(settings_of(folder)), []

    class Shipped:
        def caption(self, pictures, beam_size, guided):
            asked.append((pictures, beam_size, guided))
            return [f"{path.stem} guided" if guided else path.stem for path in pictures]

    monkeypatch.setattr(captions, "load_captioner", lambda name: Shipped())
    for _ in range(2):
        found = captions.captions_of_shipped(run)
        assert [own.said for own in found.values()] == [
            {"test": {f"{n}.jpg": f"{n}{end}" for n in (16, 17, 18, 19)}} for end in ("", " guided")
        ]
    pictures = [folder / "Images" / f"{n}.jpg" for n in (16, 17, 18, 19)]
    assert asked == [(pictures, 3, False), (pictures, 3, True)]


def test_a_training_that_was_stopped_is_no_result(folder, monkeypatch):
    first_notebooks(folder)
    settings = table_settings(folder)

    def stop(model, batches, dev, settings, folder):
        def press(model):
            if len(pressed) == 1:
                raise KeyboardInterrupt
            pressed.append(True)
            return []

        pressed = []
        return train(model, batches, dev, settings, folder, press)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(trained, "train", stop)
        captions.captions_of(tiny_row(seeds=(1,)), settings)
    assert not list(trained.path_of(settings, False).parent.glob("*.keras"))
    captions.captions_of(tiny_row(seeds=(1,)), settings)


def test_half_a_training_for_the_score_is_no_result(folder, monkeypatch):
    first_notebooks(folder)
    settings = table_settings(folder, reward_epochs=3)
    half = pd.DataFrame({"dev_cider_d": [1.0, 2.0], "seconds": 1.0})
    monkeypatch.setattr(trained, "train_for_score", lambda model, *_: (model, half, False))
    with pytest.raises(KeyboardInterrupt):
        captions.captions_of(tiny_row(reward=True), settings)
    assert not trained.path_of(settings, True).exists()


@pytest.fixture
def plain(folder, monkeypatch):
    """The ablation on the twenty pictures."""
    first_notebooks(folder)
    changes = {"dataset": str(folder), "min_count": 1, **TINY}
    monkeypatch.setattr(ablation, "PLAIN", replace(ablation.PLAIN, **changes))


def test_the_ablation_end_to_end(plain, tmp_path, monkeypatch):
    root = tmp_path / "root"
    (root / "benchmarks").mkdir(parents=True)
    page = root / "benchmarks" / "README.md"
    page.write_text("<!-- ablation -->\n<!-- end of ablation -->\n", "utf-8")
    monkeypatch.setattr(ablation, "ROOT", root)
    monkeypatch.setattr(ablation, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(ablation, "SEEDS", (1,))
    chosen = ("plain model", "embedding: shared with the softmax", "learning rate: constant")
    few = {name: ablation.VARIANTS[name] for name in chosen}
    monkeypatch.setattr(ablation, "VARIANTS", few)
    ablation.main()
    shown = [line.split(" | ")[0].strip("| ") for line in page.read_text("utf-8").splitlines()]
    assert shown[3:-1] == [*few, *ablation.DECODINGS, ablation.AVERAGED]
    assert (tmp_path / "figures" / "ablation.png").exists()
    monkeypatch.setattr(ablation, "train", pytest.fail)
    ablation.main()


def data_and_model(change):
    settings = ablation.settings_of(change, 1)
    data = ablation.data_of(settings, change)
    return data, ablation.build_variant(settings, change, data)


def test_every_kind_of_change_reaches_the_training(plain):
    data, model = data_and_model({})
    views = data.batches.features
    assert views.shape == (20, 1, 1280) and len(data.batches.tokens) == 24
    assert data.dev_features.shape == (4, 1280) and len(data.references) == 4
    np.testing.assert_array_equal(data.dev_features, views[12:16, 0])
    assert np.ptp(model.get_layer("standardize").get_weights()[0]) > 0
    assert data_and_model({"mirrored": True})[0].batches.features.shape == (20, 2, 1280)
    rootless, _ = data_and_model({"no_root": True})
    np.testing.assert_allclose(np.linalg.norm(rootless.dev_features, axis=1), 1, rtol=1e-5)
    ratio = rootless.dev_features / (data.dev_features * np.abs(data.dev_features))
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-4)
    _, model = data_and_model({"unstandardized": True})
    assert not model.get_layer("standardize").get_weights()[0].any()
    _, model = data_and_model({"undropped": "lstm_dropout"})
    assert model.get_layer("lstm_dropout").rate == 0
    assert len(data_and_model({"min_count": 6})[0].vocabulary) < len(data.vocabulary)


def test_a_model_with_shared_word_vectors_is_the_same_function_afterwards(plain):
    data, model = data_and_model({"shared": True})
    student = ablation.share_embedding(model)
    ablation.unshare(model, student)
    features, inputs, _ = next(data.batches.epoch())
    np.testing.assert_allclose(model([features, inputs]), student([features, inputs]), atol=1e-5)


def test_the_best_seed_on_dev_is_shipped_with_its_scores(folder, tmp_path, monkeypatch):
    first_notebooks(folder)
    settings, row = table_settings(folder), tiny_row()
    paths = caption_paths(row, settings)
    captions.captions_of(row, settings)
    references = Run(settings).references("dev")
    for path in paths[3:]:  # as if the second seed said on dev what people say
        table = pd.read_csv(path)
        said = {image: texts[0] for image, texts in references.items()}
        table["caption"] = table["image"].map(said).fillna(table["caption"])
        table.to_csv(path, index=False)
    pretrained.ship(row, settings, Run(settings), tmp_path / "shipped")
    manifest = json.loads((tmp_path / "shipped" / "manifest.json").read_text("utf-8"))
    assert manifest["training"]["seed"] == 2 and manifest["settings"]["units"] == 8
    assert manifest["scores"].keys() == {"beam 3", "greedy"}
    assert "learned_from" not in manifest
    assert load_captioner(tmp_path / "shipped").settings.units == 8


def test_no_file_of_a_run_is_named_by_hand():
    assert set(runs.MADE_HERE) <= set(FILES)


# Speed ------------------------------------------------------------------------------------------


def test_speed_is_compared_on_the_same_batches(monkeypatch, capsys):
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "WORDS", 50)
    monkeypatch.setattr(bench, "FEATURE_SIZE", 16)
    monkeypatch.setattr(bench, "default_settings", lambda *_: default_settings(*_, units=8))
    bench.main(captions=130, pictures=4)
    shown = capsys.readouterr().out.splitlines()[1:]
    for line, start, other in zip(
        shown,
        ("training", "training", "decoding"),
        ("model.fit", "tutorials", "tutorials"),
        strict=True,
    ):
        assert line.startswith(start) and other in line and "ratio" in line
