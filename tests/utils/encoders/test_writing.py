"""Features written block by block: killed anywhere, the next call ends with the same file."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from utils.encoders import ENCODERS, write_views
from utils.encoders.features import extract_views
from utils.errors import CourseError

PICTURES = [np.full((8, 8, 3), number, np.uint8) for number in range(150)]
STEP = 64  # pictures in a block of these tests


class Neighborly:
    """In place of a CNN: what it says of a picture depends a little on the others of its batch."""

    def __init__(self, name):
        self.name = name
        self.looked_at = 0

    def predict_on_batch(self, pictures):
        self.looked_at += len(pictures)
        bright = pictures[:, 0, 0, 0]
        features = np.ones((len(pictures), ENCODERS[self.name].feature_size), np.float32)
        features[:, 0] = bright
        features[:, 1] = bright.mean()
        features[:, 2] = len(pictures)
        return features


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("utils.encoders.writing.BLOCK", STEP)


def cnns(*names):
    return [Neighborly(name) for name in names or ("vgg16",)]


def write(folder, pictures=PICTURES, encoders=None, mirrored=False, made_from="these"):
    path = folder / "features.npy"
    return write_views(path, pictures, encoders or cnns(), mirrored, made_from)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("names", [("vgg16",), ("vgg16", "efficientnet_lite2")])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 150])
def test_the_file_holds_what_the_encoders_say_in_float16(tmp_path, names, mirrored, count):
    part, seconds = write(tmp_path, PICTURES[:count], cnns(*names), mirrored)
    written = np.load(part, mmap_mode="r")
    expected = np.concatenate(list(extract_views(PICTURES[:count], cnns(*names), mirrored, False)))
    assert written.dtype == np.float16 and seconds > 0
    np.testing.assert_array_equal(written, expected.astype(np.float16))
    np.testing.assert_allclose(np.linalg.norm(written.astype(float), axis=2), 1, atol=1e-3)


@pytest.mark.parametrize("names", [("vgg16",), ("vgg16", "efficientnet_lite2")])
@pytest.mark.parametrize("kept", [0, 5, 0.1, 0.42, 0.43, 0.86, 0.9, 1.0])
def test_cut_anywhere_it_goes_on_and_ends_with_the_same_bytes(tmp_path, names, kept):
    part, _ = write(tmp_path, encoders=cnns(*names))
    whole = part.read_bytes()
    size = kept if isinstance(kept, int) else int(kept * len(whole))
    part.write_bytes(whole[:size])
    encoders = cnns(*names)
    again, _ = write(tmp_path, encoders=encoders)
    assert again == part and part.read_bytes() == whole
    blocks = min(int(150 * size / len(whole)) // STEP, 2)  # the last one is always done again
    assert encoders[0].looked_at == 150 - blocks * STEP


def test_what_failed_goes_on_when_the_picture_is_back(tmp_path, capsys):
    whole = write(tmp_path)[0].read_bytes()
    for path in tmp_path.glob("*.part"):
        path.unlink()
    with pytest.raises(CourseError, match="gone.jpg"):
        write(tmp_path, [*PICTURES[:130], tmp_path / "gone.jpg", *PICTURES[131:]])
    encoders = cnns()
    assert write(tmp_path, encoders=encoders)[0].read_bytes() == whole
    assert encoders[0].looked_at == 22
    assert "Going on after 128 of 150 pictures." in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes",
    [
        {"made_from": "those"},
        {"encoders": cnns("resnet50")},
        {"encoders": cnns("vgg16", "resnet50")},
        {"mirrored": True},
        {"pictures": PICTURES[:149]},
    ],
    ids=["other pictures", "another encoder", "one more encoder", "mirrored", "fewer pictures"],
)
def test_the_part_of_something_else_is_not_used(tmp_path, changes, capsys):
    before, _ = write(tmp_path)
    capsys.readouterr()
    part, _ = write(tmp_path, **changes)
    assert part != before and list(tmp_path.glob("*.part")) == [part]
    assert "Going on" not in capsys.readouterr().out


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"x" * 5000], ids=["empty", "cut", "other"])
def test_a_damaged_head_means_a_new_beginning(tmp_path, damage):
    part, _ = write(tmp_path)
    whole = part.read_bytes()
    part.write_bytes(damage)
    assert write(tmp_path)[0].read_bytes() == whole


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, monkeypatch, number):
    synced = []

    def fsync(_):
        synced.append(1)
        if len(synced) == 2:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(CourseError, match="The disk is full, so .*make room and run again"):
        write(tmp_path)
    encoders = cnns()
    write(tmp_path, encoders=encoders)
    assert encoders[0].looked_at <= 150 - STEP


def test_two_at_once_are_refused(tmp_path):
    with FileLock(tmp_path / ".features.lock"), pytest.raises(CourseError) as error:
        write(tmp_path)
    assert "Another process extracts the features of" in str(error.value)
    assert not list(tmp_path.glob("*.part"))


def test_killed_for_good_it_goes_on(tmp_path):
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_writing as t
import utils.encoders.writing as writing
writing.BLOCK = t.STEP
class Deadly(t.Neighborly):
    def predict_on_batch(self, pictures):
        if self.looked_at > 100:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict_on_batch(pictures)
t.write(t.Path({str(tmp_path)!r}), encoders=[Deadly("vgg16")])
"""
    died = subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    assert died.returncode == -signal.SIGKILL
    encoders = cnns()
    part, _ = write(tmp_path, encoders=encoders)
    assert encoders[0].looked_at == 150 - STEP
    (tmp_path / "other").mkdir()
    assert part.read_bytes() == write(tmp_path / "other")[0].read_bytes()
