import json

import numpy as np
import pytest

from utils.artifacts import atomic_path, manifest_path, require, save_array, write_manifest
from utils.errors import CourseError


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    target = tmp_path / "captions.csv"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text("half")
        _ = 1 / 0
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["captions.csv"]


def test_the_temporary_name_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "new" / "features.npy") as temporary:
        np.save(temporary, np.zeros(3))
    assert np.load(tmp_path / "new" / "features.npy").shape == (3,)


@pytest.fixture
def chain(tmp_path):
    """features.npy made from pictures.csv, both with manifests."""
    (tmp_path / "pictures.csv").write_text("image\na.jpg\n")
    write_manifest(tmp_path / "pictures.csv")
    save_array(tmp_path / "features.npy", np.zeros((1, 4), np.float32))
    write_manifest(tmp_path / "features.npy", [tmp_path / "pictures.csv"], encoder="vgg16")
    return tmp_path


def test_an_artifact_that_matches_is_returned(chain):
    assert require(chain / "features.npy") == chain / "features.npy"
    assert json.loads(manifest_path(chain / "features.npy").read_text())["encoder"] == "vgg16"


def test_a_missing_artifact_names_its_notebook(tmp_path):
    with pytest.raises(CourseError, match="run 03_tokenization.ipynb"):
        require(tmp_path / "vocabulary.json")


def test_an_input_made_anew_is_noticed(chain):
    (chain / "pictures.csv").write_text("image\nb.jpg\n")
    with pytest.raises(CourseError, match="from another pictures.csv: rerun 02_feature"):
        require(chain / "features.npy")


def test_a_missing_input_is_noticed(chain):
    (chain / "pictures.csv").unlink()
    with pytest.raises(CourseError, match="pictures.csv is missing .* run 01_data_cleaning"):
        require(chain / "features.npy")


def test_a_damaged_artifact_is_noticed(chain):
    (chain / "features.npy").write_bytes(b"half")
    with pytest.raises(CourseError, match="was changed after it was made"):
        require(chain / "features.npy")


def test_a_json_artifact_has_a_manifest_of_another_name(tmp_path):
    assert manifest_path(tmp_path / "metrics.json").name == "metrics.manifest.json"
    assert manifest_path(tmp_path / "features.npy").name == "features.json"
