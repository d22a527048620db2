"""Fetching archives: a server on this machine stands in for the public address."""

import hashlib
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from utils.datasets import flickr8k
from utils.datasets.folder import read_folder
from utils.errors import CourseError

CONTENT = np.random.default_rng(0).bytes(3_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT; what the server's attributes say decides how well."""

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        start = 0
        if asked and server.resumes:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if server.sends_length:
            self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        end = start + server.cut_after if asked else server.cut_after
        self.wfile.write(CONTENT[start : end if server.cut_after else None])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.ranges, server.cut_after, server.resumes, server.sends_length = [], 0, True, True
    server.address = f"http://127.0.0.1:{server.server_address[1]}/file.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_download_gives_the_file_and_fetches_it_once(server, tmp_path):
    path = tmp_path / "downloads" / "file.zip"
    assert flickr8k.download(server.address, path, MD5) == path
    assert path.read_bytes() == CONTENT
    flickr8k.download(server.address, path, MD5)
    assert server.ranges == [None]
    assert [item.name for item in path.parent.iterdir()] == ["file.zip"]


def test_download_without_a_stated_length(server, tmp_path):
    server.sends_length = False
    path = flickr8k.download(server.address, tmp_path / "file.zip", MD5)
    assert path.read_bytes() == CONTENT


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(server, tmp_path):
    path = tmp_path / "file.zip"
    server.cut_after = 1_500_000
    with pytest.raises(CourseError, match="run again to continue"):
        flickr8k.download(server.address, path, MD5)
    assert not path.exists()
    have = (tmp_path / "file.zip.part").stat().st_size
    assert 0 < have <= 1_500_000

    server.cut_after = 0
    flickr8k.download(server.address, path, MD5)
    assert server.ranges == [None, f"bytes={have}-"]
    assert path.read_bytes() == CONTENT


def test_a_cut_that_the_server_does_not_let_one_see_goes_on_too(server, tmp_path):
    path = tmp_path / "file.zip"
    server.sends_length = False
    for server.cut_after in (1_000_000, 500_000):  # counted from the place where it goes on
        with pytest.raises(CourseError, match="ended after .* bytes.*: run again to continue"):
            flickr8k.download(server.address, path, MD5)
    assert (tmp_path / "file.zip.part").stat().st_size == 1_500_000
    server.cut_after = 0
    flickr8k.download(server.address, path, MD5)
    assert server.ranges == [None, "bytes=1000000-", "bytes=1500000-"]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("resumes", [True, False])
def test_a_wrong_file_without_a_stated_length_is_found_out(server, tmp_path, resumes):
    server.sends_length, server.resumes = False, resumes
    with pytest.raises(CourseError, match="run again to continue"):
        flickr8k.download(server.address, tmp_path / "file.zip", "0" * 32)
    with pytest.raises(CourseError, match="another file than expected"):
        flickr8k.download(server.address, tmp_path / "file.zip", "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_resume_sends_everything_again(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT[:1000])
    server.resumes = False
    path = flickr8k.download(server.address, tmp_path / "file.zip", MD5)
    assert path.read_bytes() == CONTENT


def test_a_complete_part_needs_no_more_bytes(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT)
    path = flickr8k.download(server.address, tmp_path / "file.zip", MD5)
    assert path.read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_removed(server, tmp_path):
    with pytest.raises(CourseError, match="another file than expected"):
        flickr8k.download(server.address, tmp_path / "file.zip", "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_does_not_answer(tmp_path):
    with pytest.raises(CourseError, match="could not be downloaded.*CAPTION_ARCHIVES"):
        flickr8k.download("http://127.0.0.1:9/file.zip", tmp_path / "file.zip", MD5)


# Unpacking --------------------------------------------------------------------------------------

TEXTS = {
    "Flickr8k.token.txt": "a.jpg#0\tA dog .\na.jpg#1\tA # sign\tand a dog .\nb.jpg#0\tA cat .\n",
    "Flickr_8k.trainImages.txt": "a.jpg\n",
    "Flickr_8k.devImages.txt": "b.jpg\n",
    "Flickr_8k.testImages.txt": "c.jpg",
}


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """A Flickr8k of three pictures: its folder of archives, named by CAPTION_ARCHIVES."""
    folder = tmp_path / "archives"
    folder.mkdir()
    with zipfile.ZipFile(folder / "Flickr8k_text.zip", "w") as archive:
        for name, text in TEXTS.items():
            archive.writestr(name, text)
        archive.writestr("__MACOSX/._readme.txt", "")
    with zipfile.ZipFile(folder / "Flickr8k_Dataset.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "abc":
            archive.writestr(f"Flicker8k_Dataset/{name}.jpg", "a picture " * 500)
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in TEXTS.items()}
    monkeypatch.setattr(flickr8k, "TEXTS", hashes)
    monkeypatch.setattr(flickr8k, "PICTURE_COUNT", 3)
    monkeypatch.setenv("CAPTION_ARCHIVES", str(folder))
    return folder


def refused(tmp_path, match):
    """Fetching fails with one sentence and leaves nothing behind."""
    with pytest.raises(CourseError, match=match):
        flickr8k.fetch_flickr8k(tmp_path / "data" / "flickr8k")
    left = tmp_path / "data"
    assert not left.exists() or list(left.iterdir()) == []


def test_fetch_and_read(archives, tmp_path):
    folder = tmp_path / "data" / "flickr8k"
    flickr8k.fetch_flickr8k(folder)
    raw = read_folder(folder)
    assert sorted(path.name for path in raw.image_folder.iterdir()) == ["a.jpg", "b.jpg", "c.jpg"]
    assert raw.sources == tuple(folder / name for name in TEXTS)
    assert raw.captions.to_numpy().tolist() == [
        ["a.jpg", "A dog ."],
        ["a.jpg", "A # sign\tand a dog ."],
        ["b.jpg", "A cat ."],
    ]
    assert raw.splits.to_dict() == {"a.jpg": "train", "b.jpg": "dev", "c.jpg": "test"}
    assert not (folder / "__MACOSX").exists()


def test_fetch_happens_once(archives, tmp_path):
    folder = tmp_path / "data" / "flickr8k"
    flickr8k.fetch_flickr8k(folder)
    (archives / "Flickr8k_text.zip").unlink()
    flickr8k.fetch_flickr8k(folder)


def test_a_missing_archive(archives, tmp_path):
    (archives / "Flickr8k_Dataset.zip").unlink()
    refused(tmp_path, r"Flickr8k_Dataset\.zip does not exist: CAPTION_ARCHIVES")


def test_a_file_that_is_no_zip(archives, tmp_path):
    (archives / "Flickr8k_Dataset.zip").write_text("<html>not found</html>")
    refused(tmp_path, "damaged or no zip file")


@pytest.mark.parametrize("place", [60, 80])
def test_a_damaged_zip(archives, tmp_path, place):
    path = archives / "Flickr8k_Dataset.zip"
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    refused(tmp_path, "damaged or no zip file")


def test_a_cut_off_zip(archives, tmp_path):
    path = archives / "Flickr8k_Dataset.zip"
    path.write_bytes(path.read_bytes()[:200])
    refused(tmp_path, "damaged or no zip file")


def declare(path, name, **fields):
    """Change what a zip file says of a member, in both of its places."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    central = content.index(name.encode(), content.index(b"PK\x01\x02")) - 46
    places = {"flags": (6, 8, 2), "method": (8, 10, 2), "size": (22, 24, 4)}
    for field, value in fields.items():
        in_local, in_central, length = places[field]
        for place in (info.header_offset + in_local, central + in_central):
            content[place : place + length] = value.to_bytes(length, "little")
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"flags": 1}, "is encrypted: unpack it with its password"),
        ({"method": 99}, "packed in a way that Python cannot read"),
        ({"method": 9}, "packed in a way that Python cannot read"),
        ({"size": 2**32 - 2}, "would unpack to 4 GB, and Flickr8k has 1"),
        ({"size": 100}, "damaged or no zip file"),
    ],
)
def test_a_picture_archive_that_cannot_be_unpacked(
    archives, tmp_path, monkeypatch, fields, sentence
):
    monkeypatch.setattr(flickr8k, "LARGEST", 4 << 29)
    path = archives / "Flickr8k_Dataset.zip"
    declare(path, "Flicker8k_Dataset/b.jpg", **fields)
    refused(tmp_path, re.escape(str(path)) + ".*" + sentence)


def test_a_bomb_is_refused_by_what_it_declares(archives, tmp_path, monkeypatch):
    """Small files that unpack to much are as bad as one large file."""
    monkeypatch.setattr(flickr8k, "LARGEST", 10_000_000)
    path = archives / "Flickr8k_Dataset.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(11):
            archive.writestr(f"Flicker8k_Dataset/{number}.jpg", bytes(1_000_000))
    assert path.stat().st_size < 20_000
    refused(tmp_path, "made to fill disks")


def test_an_archive_in_an_archive(archives, tmp_path):
    inner = (archives / "Flickr8k_Dataset.zip").rename(archives / "inner.zip")
    with zipfile.ZipFile(archives / "Flickr8k_Dataset.zip", "w") as archive:
        archive.write(inner, "download/Flickr8k_Dataset.ZIP")
    refused(tmp_path, "holds another archive, download/Flickr8k_Dataset.ZIP: take that one out")


@pytest.mark.parametrize("name", ["../outside.jpg", "/outside.jpg", "a/../../../outside.jpg"])
def test_no_member_leaves_the_folder(archives, tmp_path, name):
    with zipfile.ZipFile(archives / "Flickr8k_text.zip", "a") as archive:
        archive.writestr(name, "outside")
    flickr8k.fetch_flickr8k(tmp_path / "data" / "flickr8k")
    found = [path.relative_to(tmp_path) for path in tmp_path.rglob("outside.jpg")]
    assert all(path.parts[:2] == ("data", "flickr8k") for path in found) and found


def test_other_texts(archives, tmp_path, monkeypatch):
    monkeypatch.setitem(flickr8k.TEXTS, "Flickr8k.token.txt", "0" * 64)
    refused(tmp_path, r"does not hold Flickr8k's Flickr8k\.token\.txt")


def test_too_few_pictures(archives, tmp_path, monkeypatch):
    monkeypatch.setattr(flickr8k, "PICTURE_COUNT", 8091)
    refused(tmp_path, "holds 3 pictures in Flicker8k_Dataset/ instead of 8091")


def test_judgements_are_three_ratings_without_a_picture_s_own_captions(tmp_path):
    (tmp_path / "Flickr8k.token.txt").write_text(
        "a.jpg#0\tA dog runs .\nb.jpg#0\tTwo cats .\nb.jpg#1\tCats .\n"
    )
    (tmp_path / "ExpertAnnotations.txt").write_text(
        "a.jpg\tb.jpg#0\t1\t1\t2\na.jpg\ta.jpg#0\t4\t4\t4\nb.jpg\ta.jpg#0\t1\t2\t3\n"
    )
    table = flickr8k.read_judgements(tmp_path)
    assert table["image"].tolist() == ["a.jpg", "b.jpg"]
    assert table["caption"].tolist() == ["Two cats .", "A dog runs ."]
    ratings = table[["lowest", "middle", "highest"]]
    assert ratings.to_numpy().tolist() == [[1, 1, 2], [1, 2, 3]]


def test_judgements_that_are_not_there(tmp_path):
    with pytest.raises(CourseError, match=r"ExpertAnnotations\.txt does not exist: unpack"):
        flickr8k.read_judgements(tmp_path)


def test_the_stored_agreement_is_a_table():
    table = flickr8k.load_agreement()
    assert table.columns.tolist() == ["kind", "tau_c", "low", "high", "published"]
    assert set(table["kind"]) == {"score", "people", "control"}
    assert table["low"].le(table["tau_c"]).all() and table["tau_c"].le(table["high"]).all()
    scores = table[table["kind"] == "score"]["tau_c"]
    assert scores.idxmax() == "CIDEr-D"
    assert scores.min() > table[table["kind"] == "control"]["high"].max()
