"""Calibrating a captioner: what is chosen on what, how far confidence and truth differ."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from benchmarks import confidence
from benchmarks.confidence import Captions
from utils.captioner import Candidate
from utils.confidence import WEIGHTS, Calibration, Evidence, confidence_of
from utils.errors import CourseError

TRUE = Calibration(dict(zip(WEIGHTS, (0.5, -1.0, 2.0, 0.8, -2.0), strict=True)), 0.5)


def made_up(count, seed=0):
    """Captions that are right as often as the true weights say."""
    rng = np.random.default_rng(seed)
    evidence = [Evidence(0.0, a, -3 * b, c) for a, b, c in rng.random((count, 3))]
    return Captions(evidence, rng.random(count) < [confidence_of(each, TRUE) for each in evidence])


def test_halves_share_nothing_and_stay_the_same():
    first, second = confidence.halves(159)
    assert (len(first), len(second)) == (80, 79)
    assert sorted([*first, *second]) == list(range(159))
    np.testing.assert_array_equal(first, confidence.halves(159)[0])
    assert not np.array_equal(first, np.arange(80))


def test_a_small_source_counts_as_much_as_a_large_one():
    sources = [made_up(30), made_up(10)]
    counts = confidence.equal(sources)
    assert counts[:30].sum() == pytest.approx(counts[30:].sum()) and counts.sum() == 40


def test_confidences_of_captions_that_were_not_learned_from_are_calibrated():
    sources = [made_up(3000, 1), made_up(1000, 2)]
    for captions, found in zip(sources, confidence.cross_validated(sources), strict=True):
        true = [confidence_of(each, TRUE) for each in captions.evidence]
        assert np.abs(found - true).mean() < 0.03
        assert confidence.calibration_error(found, captions.right) < 0.05


def test_no_caption_has_a_say_in_its_own_confidence():
    captions = made_up(60)
    (before,) = confidence.cross_validated([captions])
    turned = captions.right.copy()
    turned[7] = not turned[7]
    (after,) = confidence.cross_validated([captions._replace(right=turned)])
    assert after[7] == before[7] and (after != before).any()


def test_the_calibration_error_by_hand():
    values = np.array([0.05, 0.05, 0.95, 1.0])
    right = np.array([False, True, True, True])
    assert confidence.calibration_error(values, right) == pytest.approx((0.9 + 0.05) / 4)
    assert confidence.calibration_error(np.ones(3), np.ones(3, bool)) == 0
    perfect = confidence.chance_error(np.full(50, 0.5))
    assert 0.03 < perfect < 0.1 and confidence.chance_error(np.ones(5)) == 0


def test_the_lowest_threshold_that_is_precise_enough():
    values = np.array([0.1, 0.3, 0.505, 0.7, 0.9])
    right, counts = np.array([False, False, True, True, True]), np.ones(5)
    assert confidence.lowest_threshold(values, right, counts) == 0.31
    assert confidence.lowest_threshold(values, right, np.array([9, 0.1, 1, 1, 1])) == 0.11
    assert confidence.lowest_threshold(values, np.ones(5, bool), counts) == 0
    with pytest.raises(CourseError, match="At no threshold are 80% of the captions right"):
        confidence.lowest_threshold(values, np.zeros(5, bool), counts)


@pytest.mark.parametrize(("right", "total"), [(0, 5), (5, 5), (1, 1), (30, 80)])
def test_intervals_hold_their_share(right, total):
    low, high = confidence.interval(np.arange(total) < right)
    assert 0 <= low + 1e-9 <= right / total + 2e-9 and right / total <= high + 1e-9 <= 1 + 2e-9
    assert low < high


def test_the_table_has_a_cell_for_everything():
    values, right = np.array([0.2, 0.7, 0.9]), np.array([False, True, True])
    text = confidence.markdown({"here": (values, right), "all sure": (values, right)}, 0.5)
    head, _, here, _ = text.splitlines()
    assert head.count("|") == here.count("|") == 9
    assert here.startswith("| here | 67 % of 3 (21 to 94) | 60 % | 0.200 |")
    assert here.endswith("| 33 % | 100 % of 2 (34 to 100) | 0 % of 1 (0 to 79) |")
    assert confidence.markdown({"all sure": (values, right)}, 0).endswith("| – |")


class Painter:
    """Says the color of a picture, and of the first that it is a cat; once nothing at all."""

    def caption(self, pictures, details):
        said = []
        for number, path in enumerate(pictures):
            red = cv2.imread(str(path))[0, 0, 2] / 255
            words = ("a", "cat" if number == 0 else "dog", "<end>")
            evidence = None if number == 5 else Evidence(0.0, red, -1.0, 0.0)
            pairs = tuple((word, 0.5) for word in words)
            said.append(Candidate(" ".join(words[:-1]), -1.0, pairs, evidence=evidence))
        return said


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Photographs, a folder with splits in place of Flickr8k, and a captioner to calibrate."""
    rng = np.random.default_rng(0)
    for name in ("photos", "flickr8k"):
        (tmp_path / name / "Images").mkdir(parents=True)
        lines, splits = ["image,caption"], ["image,split"]
        for number in range(60):
            red = rng.integers(256)
            picture = np.full((4, 4, 3), red, np.uint8)
            cv2.imwrite(str(tmp_path / name / "Images" / f"{number:02}.png"), picture)
            animal = "Dogs!" if rng.random() < red / 255 else "cats"
            lines += [f"{number:02}.png,Two {animal}", f"{number:02}.png,a thing"]
            splits.append(f"{number:02}.png,{'test' if number % 3 == 0 else 'dev'}")
        (tmp_path / name / "captions.txt").write_text("\n".join(lines))
        if name == "flickr8k":
            (tmp_path / name / "splits.csv").write_text("\n".join([*splits, "no.png,train"]))
    (tmp_path / "benchmarks").mkdir()
    page = tmp_path / "benchmarks" / "README.md"
    page.write_text("<!-- confidence -->\n<!-- end of confidence -->\n")
    (tmp_path / "manifest.json").write_text('{"format": 1}')
    for name, value in {
        "ROOT": tmp_path,
        "PRETRAINED": tmp_path,
        "load_captioner": lambda name: Painter(),
        "replace": lambda captioner, calibration: captioner,
        "default_settings": lambda *_: SimpleNamespace(data_folder=tmp_path / "flickr8k"),
    }.items():
        monkeypatch.setattr(confidence, name, value)
    monkeypatch.setattr("sys.argv", ["confidence", str(tmp_path / "photos")])
    return tmp_path


def test_only_dev_is_looked_at_and_a_caption_without_a_noun_is_left_out(folders):
    everything = confidence.captions_of(Painter(), folders / "photos")
    assert len(everything.right) == len(everything.evidence) == 59
    dev = confidence.captions_of(Painter(), folders / "flickr8k", "dev")
    assert len(dev.right) == 39
    text = (folders / "photos" / "captions.txt").read_text()
    assert everything.right[0] == ("00.png,Two cats" in text)
    assert everything.right[1] == ("01.png,Two Dogs!" in text)


def test_a_captioner_is_calibrated_end_to_end(folders, monkeypatch):
    monkeypatch.setattr(confidence, "PRECISION", 0.6)
    confidence.main()
    manifest = json.loads((folders / "manifest.json").read_text("utf-8"))
    assert manifest["format"] == 1 and Calibration.read(manifest).weights["named"] > 1
    page = (folders / "benchmarks" / "README.md").read_text("utf-8")
    assert page.count("\n| ") == 5 and "photographs, the other half" in page
    assert (folders / "figures" / "confidence.png").exists()
    confidence.main()  # again, in place of the first
    assert json.loads((folders / "manifest.json").read_text("utf-8")) == manifest


def test_what_is_missing_is_said_and_nothing_changes(folders, monkeypatch):
    def fail(folder):
        raise CourseError("Flickr8k_text.zip could not be downloaded.")

    before = (folders / "manifest.json").read_bytes()
    monkeypatch.setattr(confidence, "fetch_flickr8k", fail)
    with pytest.raises(SystemExit, match="Nothing was calibrated: Flickr8k_text.zip could not"):
        confidence.main()
    monkeypatch.undo()
    monkeypatch.setattr("sys.argv", ["confidence"])
    with pytest.raises(SystemExit, match="2"):
        confidence.main()
    assert (folders / "manifest.json").read_bytes() == before
