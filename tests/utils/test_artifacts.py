import os

import numpy as np
import pandas as pd
import pytest

from utils.artifacts import (
    Fingerprints,
    atomic_path,
    fingerprint,
    manifest_path,
    read_content,
    write_content,
)


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


def test_tables_come_back_as_they_were(tmp_path):
    table = pd.DataFrame(
        {
            "image": ["000025", "null", "NA.jpg"],
            "caption": ["null", "", "nan"],
            "reward": [float("nan"), 0.5, 1.25],
            "epoch": [0, 1, 2],
        }
    )
    write_content(tmp_path / "table.csv", table)
    pd.testing.assert_frame_equal(read_content(tmp_path / "table.csv"), table, check_dtype=False)


def test_a_json_file_has_a_manifest_of_another_name(tmp_path):
    assert manifest_path(tmp_path / "metrics.json").name == "metrics.manifest.json"
    assert manifest_path(tmp_path / "features.npy").name == "features.json"


def test_a_file_that_stays_is_not_read_twice(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    memory = Fingerprints(tmp_path / "memory.json")
    assert memory.of(path) == fingerprint(path)
    memory.keep()

    def never(path):
        raise AssertionError("read again")

    monkeypatch.setattr("utils.artifacts.fingerprint", never)
    assert Fingerprints(tmp_path / "memory.json").of(path) == memory.of(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    with pytest.raises(AssertionError, match="read again"):
        memory.of(path)


@pytest.mark.parametrize("content", ["", "{", "[1", "null\x00"])
def test_a_damaged_memory_only_costs_time(tmp_path, content):
    (tmp_path / "memory.json").write_text(content)
    (tmp_path / "file").write_bytes(b"one")
    memory = Fingerprints(tmp_path / "memory.json")
    assert memory.of(tmp_path / "file") == fingerprint(tmp_path / "file")
