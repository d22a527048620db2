import errno
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from utils.artifacts import (
    Fingerprints,
    atomic_path,
    fingerprint,
    manifest_path,
    read_content,
    remove_leftovers,
    write_content,
)
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


@pytest.fixture(scope="module")
def dead():
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


LEFT = ["{}/.features.{}.tmp.npy", "{}/figures/.01_history.{}.tmp.png", "{}/.captioner.{}.tmp"]


@pytest.mark.parametrize("name", LEFT)
def test_what_a_killed_process_left_is_removed(tmp_path, dead, name):
    left = tmp_path / name.format("run", dead)
    left.parent.mkdir(parents=True)
    left.mkdir() if left.suffix == ".tmp" else left.write_bytes(b"half")
    remove_leftovers(tmp_path / "run")
    assert not left.exists() and left.parent.exists()


@pytest.mark.parametrize("name", LEFT)
def test_what_a_living_process_writes_stays(tmp_path, name):
    left = tmp_path / name.format("run", os.getpid())
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    remove_leftovers(tmp_path / "run")
    assert left.exists()
    # Written before this process began: another one had its number then.
    os.utime(left, (time.time() - 10**6,) * 2)
    remove_leftovers(tmp_path / "run")
    assert not left.exists()


@pytest.mark.parametrize("name", ["a.tmp", ".notes.tmp", ".a.12x.tmp.npy", ".git", "x.5.tmp.npy"])
def test_files_of_other_people_stay(tmp_path, name):
    (tmp_path / name).write_text("mine")
    remove_leftovers(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("target", ["table.csv", "a[1].csv"])
def test_writing_a_file_removes_what_was_left_of_it(tmp_path, dead, target):
    stem = target.removesuffix(".csv")
    (tmp_path / f".{stem}.{dead}.tmp.csv").write_text("half")
    write_content(tmp_path / target, pd.DataFrame({"epoch": [1]}))
    assert [path.name for path in tmp_path.iterdir()] == [target]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full, so .*a.csv was not"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "because .* may only be read"),
        (OSError(errno.EROFS, "Read-only file system"), "because .* may only be read"),
        (OSError(errno.EIO, "Input/output error"), r"a.csv was not written \(Input/output error\)"),
    ],
)
def test_a_disk_that_takes_nothing_gets_a_sentence(tmp_path, error, sentence):
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(CourseError, match=sentence) as caught, atomic_path(tmp_path / "a.csv"):
        raise error
    assert "\n" not in str(caught.value)
    assert (tmp_path / "a.csv").read_text() == "old"


def test_a_full_disk_that_numpy_does_not_call_so(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.artifacts.FULL", 2**80)
    with pytest.raises(CourseError, match="The disk is full"), atomic_path(tmp_path / "a.npy"):
        raise OSError("1000 requested and 12 written")


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(CourseError, match="was not written"), atomic_path(tmp_path / "runs" / "a"):
        pass


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
