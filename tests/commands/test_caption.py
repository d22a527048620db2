"""The caption command, with a captioner that says the color of each picture."""

import csv
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from commands import caption, outputs
from utils import plotting
from utils.captioner import Candidate
from utils.errors import CourseError

ROOT = Path(__file__).parents[2]


class Colors:
    """A captioner that is quick."""

    def __init__(self):
        self.asked = []

    def caption(self, pictures, beam_size, several, consensus):
        colors = [picture[0, 0].tolist() for picture in pictures]
        self.asked.append((len(colors), beam_size, several, consensus))
        return [
            [Candidate(f"a color like {color} {n}", -1.0 - n, (), "red") for n in range(several)]
            for color in colors
        ]


@pytest.fixture
def captioner(monkeypatch):
    made = Colors()
    monkeypatch.setattr("utils.captioner.load_captioner", lambda name: made)
    return made


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draw(name, color=(10, 20, 30), size=(12, 9)):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(name, "png")


def run(*arguments):
    """Run the command; returns its exit status."""
    with pytest.raises(SystemExit) as ended:
        caption.main(arguments)
    return ended.value.code


ODD = [
    "two words.png",
    "a[1].png",
    "$5 & $6.png",
    'O\'Brien "x".png',
    "`touch hack`.png",
    "$(touch hack).png",
    ";touch hack;.png",
    "ö é 犬.png",
]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_names(captioner, here, capsys, name):
    draw(name)
    assert run(name) == 0
    assert capsys.readouterr().out == f"{name}: a color like [10, 20, 30] 0\n"
    assert os.listdir(here) == [name]


def test_names_that_begin_with_a_dash_or_hold_a_line_feed(captioner, here, capsys):
    draw("-beam.png")
    draw("two\nlines.png")
    assert run("--", "-beam.png", "two\nlines.png") == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "-beam.png",
        r"two\nlines.png",
    ]


def test_a_name_that_is_no_text(captioner, here, capsys):
    name = os.fsdecode(b"caf\xe9.png")
    try:
        draw(name)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert run(name, "--output", "captions.csv") == 0
    assert run(name) == 0
    assert r"caf\xe9.png" in capsys.readouterr().out


@pytest.mark.parametrize("name", [*ODD, "$(shell touch hack).png", "plain.png other.png"])
def test_no_name_reaches_a_shell_by_make(here, name):
    """The command in place of the true one prints what it would caption."""
    shutil.copy(ROOT / "Makefile", "Makefile")
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/installed").touch()
    Path(".venv/bin/python").symlink_to(sys.executable)
    shutil.copytree(ROOT / ".ci", ".ci")
    for file in ("requirements.txt", "pyproject.toml"):
        Path(file).touch()
        os.utime(file, (0, 0))
    fake = "from commands.caption import from_environment; print(ascii(from_environment()))"
    Path(".venv/bin/caption").write_text(f"#!{sys.executable}\n{fake}\n", "utf-8")
    Path(".venv/bin/caption").chmod(0o755)
    if " other" not in name:
        draw(name)
    expected = name.split(" ") if " other" in name else [name]
    # Not as a part of the make that runs these tests.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        ["make", "caption", f"PHOTOS={name}"], capture_output=True, text=True, env=environment
    )
    assert done.stdout == f"{ascii(expected)}\n", done.stderr
    assert not Path("hack").exists()


def test_bare_make_lists_the_targets():
    done = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = {line.split()[0] for line in done.stdout.splitlines()}
    assert {"run", "test", "caption", "lab", "app", "clean"} <= listed


def test_folders_patterns_and_what_is_no_picture(captioner, here, capsys):
    for name in ("trip/b.png", "trip/day/a.PNG", "trip/.hidden/c.png", "x1.png", "x2.png"):
        draw(name)
    Path("trip/notes.txt").write_text("no", "utf-8")
    Path("trip/circle").symlink_to("..")
    assert run("trip", "x*.png", "x1.png") == 0
    names = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["trip/b.png", "trip/day/a.PNG", "x1.png", "x2.png"]


def test_a_folder_with_a_pipe_and_a_folder_that_is_closed(captioner, here, monkeypatch, capsys):
    draw("trip/a.png")
    os.mkfifo("trip/b.png")
    Path("trip/closed").mkdir()
    look = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert run("trip") == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1 and "trip/closed" in err and "b.png" not in err


def test_home_and_a_pattern_with_a_blank_from_make(captioner, here, monkeypatch, capsys):
    draw("my trip/a[1].png")
    monkeypatch.setenv("HOME", str(here))
    for names in ("my trip/*.png", "'~/my trip/a[1].png'"):
        monkeypatch.setenv("CAPTION_PHOTOS", names)
        assert run() == 0
        assert "my trip/a[1].png: a color" in capsys.readouterr().out


def test_captions_do_not_stand_behind_the_bar(captioner, here, monkeypatch):
    """Both streams are one terminal."""
    monkeypatch.setattr(caption, "BAR_FROM", 1)
    screen = io.StringIO()
    screen.reconfigure = lambda errors: None
    draw("a.png")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    assert run("a.png") == 0
    assert "\ra.png: a color" in screen.getvalue()


def test_unreadable_files_are_listed_at_the_end(captioner, here, capsys):
    draw("a.png")
    Path("notes.txt").write_text("no", "utf-8")
    assert run("notes.txt", "a.png", "gone.png") == 1
    out, err = capsys.readouterr()
    assert out == "a.png: a color like [10, 20, 30] 0\n"
    assert "2 of 3 could not be read" in err and "notes.txt" in err and "gone.png" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name pictures"),
        (["empty"], "none of these names"),
        (["a.png", "--beam", "0"], "choose 1 or more"),
        (["a.png", "--several", "x"], "--several: choose 1 or more, not 'x'"),
        (["a.png", "--output", "captions.doc"], "--output ends in one of"),
        (["a.png", "--output", "a.png.csv", "--grid", "b.csv"], "--grid ends in one of"),
    ],
)
def test_what_cannot_be_done_is_said_first(
    captioner, here, capsys, monkeypatch, arguments, sentence
):
    monkeypatch.delenv("CAPTION_PHOTOS", raising=False)
    draw("a.png")
    Path("empty").mkdir()
    assert run(*arguments) == 2
    assert sentence in capsys.readouterr().err


def test_tables(captioner, here):
    draw("a.png")
    draw("b, c.png", (1, 2, 3))
    assert run("a.png", "b, c.png", "--output", "out/captions.csv") == 0
    with open("out/captions.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["image", "caption", "asked", "confidence"],
            ["a.png", "a color like [10, 20, 30] 0", "red", ""],
            ["b, c.png", "a color like [1, 2, 3] 0", "red", ""],
        ]
    assert run("a.png", "--several", "2", "--beam", "4", "--output", "captions.jsonl") == 0
    rows = [json.loads(line) for line in Path("captions.jsonl").read_text("utf-8").splitlines()]
    assert [row["rank"] for row in rows] == [1, 2] and rows[1]["log_probability"] == -2.0
    columns = ["image", "rank", "caption", "log_probability", "asked", "confidence"]
    assert list(rows[1]) == columns and rows[1]["confidence"] is None
    assert captioner.asked[-1] == (1, 4, 2, False)
    assert run("a.png", "--consensus") == 0 and captioner.asked[-1] == (1, None, 1, True)


class Doubts(Colors):
    """Tells how sure it is, which is less with every picture."""

    def caption(self, pictures, beam_size, several, consensus):
        found = super().caption(pictures, beam_size, several, consensus)
        return [
            [one._replace(confidence=0.876 - 0.4 * n, unsure=n > 0) for one in each]
            for n, each in enumerate(found)
        ]


@pytest.fixture
def doubtful(monkeypatch, here):
    monkeypatch.setattr("utils.captioner.load_captioner", lambda name: Doubts())
    draw("sure.png")
    draw("so so.png", (1, 2, 3))
    return "sure.png", "so so.png"


def test_a_caption_that_is_unsure_says_so(doubtful, capsys):
    assert run(*doubtful) == 0
    assert capsys.readouterr().out.splitlines() == [
        "sure.png: a color like [10, 20, 30] 0",
        "so so.png: unsure: a color like [1, 2, 3] 0",
    ]
    assert run(*doubtful, "--several", "2") == 0
    assert capsys.readouterr().out.splitlines()[3:] == [
        "so so.png",
        "   36.79%  unsure: a color like [1, 2, 3] 0",
        "   13.53%  unsure: a color like [1, 2, 3] 1",
    ]


def test_tables_hold_the_confidence_and_no_mark(doubtful):
    for name in ("captions.csv", "captions.jsonl", "captions.html"):
        assert run(*doubtful, "--output", name) == 0
    with open("captions.csv", encoding="utf-8", newline="") as file:
        (_, *first), (_, *second) = list(csv.reader(file))[1:]
    assert first == ["a color like [10, 20, 30] 0", "red", "0.88"]
    assert second == ["a color like [1, 2, 3] 0", "red", "0.48"]
    rows = [json.loads(line) for line in Path("captions.jsonl").read_text("utf-8").splitlines()]
    assert [row["confidence"] for row in rows] == [0.88, 0.48]
    page = Path("captions.html").read_text("utf-8")
    assert page.count("<small>unsure:</small> a color like [1, 2, 3]") == page.count("unsure") == 1


def test_a_grid_marks_what_is_unsure(doubtful, monkeypatch):
    drawn = []
    show = plotting.show_pictures
    monkeypatch.setattr(
        plotting,
        "show_pictures",
        lambda *given, **more: drawn.append(show(*given, **more)) or drawn[0],
    )
    assert run(*doubtful, "--grid", "grid.png") == 0
    texts = [[text.get_text() for text in axis.texts] for axis in drawn[0].axes]
    assert [" ".join(each).strip().endswith("unsure") for each in texts] == [False, True]


def test_a_page_holds_its_pictures(captioner, here):
    draw("<i>&.png", size=(2000, 1000))
    assert run("<i>&.png", "--output", "captions.HTML") == 0
    text = Path("captions.HTML").read_text("utf-8")
    assert "data:image/jpeg;base64," in text and "&lt;i&gt;&amp;.png" in text
    assert "http" not in text and len(text) < 50_000


def test_grids_come_in_pages(captioner, here, monkeypatch):
    monkeypatch.setattr(outputs, "PER_PAGE", 4)
    for n in range(6):
        draw(f"$in/{n} $x$.png")
    assert run("$in", "--grid", "grid.jpg") == 0
    assert not Path("grid.jpg").exists()
    first, second = (cv2.imread(f"grid-{n}.jpg") for n in (1, 2))
    assert first.shape[1] > second.shape[1] and np.unique(first).size > 2


def test_nothing_is_written_over(captioner, here, capsys):
    draw("a.png")
    before = Path("a.png").read_bytes()
    assert run("a.png", "--grid", "a.png", "--overwrite") == 2
    assert "is one of the pictures" in capsys.readouterr().err
    Path("captions.csv").write_text("precious", "utf-8")
    assert run("a.png", "--output", "captions.csv") == 2
    assert "is there already" in capsys.readouterr().err
    assert Path("captions.csv").read_text("utf-8") == "precious"
    assert run("a.png", "--output", "captions.csv", "--overwrite") == 0
    assert Path("captions.csv").read_text("utf-8") != "precious"
    assert Path("a.png").read_bytes() == before


@pytest.mark.parametrize("arguments", [["a.png", "--captioner", "typo"], ["notes.txt"]])
def test_a_result_of_before_stays_if_nothing_was_captioned(here, monkeypatch, arguments):
    def none(name):
        raise CourseError(f"There is no captioner {name!r}.")

    monkeypatch.setattr("utils.captioner.load_captioner", none)
    draw("a.png")
    Path("notes.txt").write_text("no", "utf-8")
    Path("old.csv").write_text("precious", "utf-8")
    assert run(*arguments, "--output", "old.csv", "--overwrite") in (1, 2)
    assert run(*arguments, "--output", "new.csv") in (1, 2)
    assert Path("old.csv").read_text("utf-8") == "precious"
    assert sorted(os.listdir(here)) == ["a.png", "notes.txt", "old.csv"]


@pytest.mark.parametrize("output", ["old.csv", "old.jsonl", "old.html"])
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full, so {} was not"),
        (errno.EROFS, "{} was not written, because"),
    ],
)
def test_a_disk_that_takes_no_result(
    captioner, here, capsys, monkeypatch, output, number, sentence
):
    def refuse(*arguments, **options):
        raise OSError(number, os.strerror(number))

    draw("a.png")
    Path(output).write_text("precious", "utf-8")
    monkeypatch.setattr("commands.outputs.open", refuse, raising=False)
    assert run("a.png", "--output", output, "--overwrite") == 2
    said = capsys.readouterr().err
    assert sentence.format(output) in said and "Traceback" not in said
    assert Path(output).read_text("utf-8") == "precious"


def test_what_a_killed_command_left_is_removed(captioner, here):
    draw("a.png")
    for name in ("captions.csv", "other.csv"):
        Path(f".{name}.99999999.tmp").write_text("half", "utf-8")
    assert run("a.png", "--output", "captions.csv") == 0
    assert sorted(os.listdir(here)) == [".other.csv.99999999.tmp", "a.png", "captions.csv"]


def test_stopped_before_anything_is_done(captioner, here, capsys):
    def stop(*given, **options):
        raise KeyboardInterrupt

    captioner.caption = stop
    draw("a.png")
    Path("old.csv").write_text("precious", "utf-8")
    assert run("a.png", "--output", "old.csv", "--overwrite") == 130
    assert "old.csv" not in capsys.readouterr().err
    assert Path("old.csv").read_text("utf-8") == "precious"


def test_a_folder_is_no_result(captioner, here, capsys):
    draw("a.png")
    Path("out.csv").mkdir()
    assert run("a.png", "--output", "out.csv", "--overwrite") == 2
    assert "out.csv is a folder" in capsys.readouterr().err
    assert sorted(os.listdir(here)) == ["a.png", "out.csv"]


def test_stopped_in_the_middle_keeps_what_is_done(captioner, here, monkeypatch, capsys):
    monkeypatch.setattr(caption, "AT_ONCE", 2)
    for n in range(6):
        draw(f"{n}.png")
    answer, calls = captioner.caption, []

    def impatient(*given, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return answer(*given, **options)

    captioner.caption = impatient
    assert run("[0-9].png", "--output", "captions.csv") == 130
    assert "captions.csv" in capsys.readouterr().err
    assert len(Path("captions.csv").read_text("utf-8").splitlines()) == 5
    assert not list(here.glob(".*tmp*"))


def test_an_unknown_captioner_is_one_sentence(here, monkeypatch, capsys):
    def none(name):
        raise CourseError(f"There is no captioner {name!r}.")

    monkeypatch.setattr("utils.captioner.load_captioner", none)
    draw("a.png")
    assert run("a.png", "--captioner", "mine") == 2
    assert "There is no captioner 'mine'" in capsys.readouterr().err


def test_for_real(here):
    """The installed entry point, the shipped captioner, a pipe that closes early."""
    for n in range(3):
        draw(f"{n}.png", (40 * n, 90, 200), (300, 200))
    command = [str(Path(sys.executable).parent / "caption"), "0.png", "1.png", "gone.png"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "gone.png" in done.stderr
    from utils import load_captioner

    said = load_captioner("pretrained").caption(["0.png", "1.png"], details=True)
    assert done.stdout.splitlines() == [
        f"{n}.png: {'unsure: ' * one.unsure}{one.caption}" for n, one in enumerate(said)
    ]
