"""What a reader does with mouse and keyboard, in Chromium: JupyterLab, then the page alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import cv2
import pytest

from commands.notebooks import NOTEBOOKS, execute
from scenes import make_scene
from utils.captioner import load_captioner
from utils.settings import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="run make, which installs it")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
if CHROMIUM is None:
    pytest.skip("Chromium is missing: apt-get install chromium", allow_module_level=True)

# Chromium itself shall not call home, and refuses to start as root in a sandbox.
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
FLAGS += "--disable-background-networking --disable-component-update"
PATIENCE = 180_000  # milliseconds
DARK = "JupyterLab Dark"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course to click in, with a run in the fast profile but for 01 and 06."""
    folder = tmp_path_factory.mktemp("course")
    patch = pytest.MonkeyPatch()
    settings = {"DATASET": "scenes", "ENCODER": "efficientnet_lite0", "PROFILE": "fast"}
    for name, value in (settings | {"DATA": str(folder / "data")}).items():
        patch.setenv(f"CAPTION_{name}", value)
    for name in ("SETTINGS", "WORKSPACES"):  # nobody's theme and open files shall change
        patch.setenv(f"JUPYTERLAB_{name}_DIR", str(folder / name.lower()))
    patch.setenv("PYTHONPATH", str(ROOT))
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("commands", ".ci"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "notebooks").mkdir()
    for path in NOTEBOOKS.glob("*.ipynb"):
        notebook = json.loads(path.read_text("utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
        (folder / "notebooks" / path.name).write_text(json.dumps(notebook), "utf-8")
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        playwright.expect.set_options(timeout=PATIENCE)
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page; afterwards, every address that it asked for was on this machine."""
    asked = []
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    yield page
    page.close()
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}, hosts


@contextmanager
def served(course, *target):
    """Start a server with make, yield the address that it prints, stop it."""
    # The environment that the tests run in is there: make shall not install it again.
    command = ["make", "-o", ".venv/installed", *target]
    log = course / f"{target[0]}.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=course,
            env=os.environ | {"BROWSER": "true"},  # a program that opens nothing
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield wait(lambda: re.search(r"http://(localhost|127\.0\.0\.1):\d+/\S*", log.read_text()))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def wait(ready, seconds=PATIENCE / 1000):
    """Return what `ready()` returns as soon as that is something."""
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(1)
    return found


def run_all(page, address, path):
    """Open a notebook in JupyterLab, run all its cells, return when the saved file holds them."""
    base, _, query = address.partition("?")
    base = base.removesuffix("/lab")

    def connected():
        sessions = page.request.get(f"{base}/api/sessions?{query}").json()
        kernels = [s["kernel"] for s in sessions if s["path"] == path.name]
        return any(k["connections"] and k["execution_state"] == "idle" for k in kernels)

    # A workspace of its own: JupyterLab would open the last notebook too, and run that one.
    page.goto(f"{base}/lab/workspaces/{path.stem}/tree/{path.name}?{query}")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]:visible").wait_for()
    wait(connected)  # before that, JupyterLab would ask for a kernel and run nothing
    menu(page, "Run", "Run All Cells")
    wait(lambda: finished(page, path))


def menu(page, *names):
    """Click through the menus of JupyterLab."""
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{names[0]}$")).click()
    for name in names[1:]:
        page.locator(".lm-Menu-itemLabel:visible", has_text=re.compile(f"^{name}$")).click()


def finished(page, path):
    """Save the notebook and tell whether every cell was executed; an error fails the test."""
    menu(page, "File", "Save Notebook")
    time.sleep(2)
    cells = [c for c in json.loads(path.read_text("utf-8"))["cells"] if c["cell_type"] == "code"]
    errors = [o["evalue"] for c in cells for o in c["outputs"] if o["output_type"] == "error"]
    assert not errors
    return all(c["execution_count"] for c in cells if "".join(c["source"]).strip())


def try_the_page(page, picture):
    """Choose the captioner, upload a picture, move the slider; read a caption after each."""
    choice, slider = page.locator(".widget-dropdown select"), page.locator(".noUi-handle").first
    choice.select_option("pretrained")
    with page.expect_file_chooser() as chooser:
        page.locator(".widget-upload").click()
    chooser.value.set_files(picture)
    captioner, readout = load_captioner("pretrained"), page.locator(".widget-readout").first
    card = page.locator(".widget-html-content", has_text=picture.name).locator("b")
    for beam_size, keys in ((3, []), (4, ["ArrowRight"]), (1, ["Home"])):
        for key in keys:
            slider.press(key)
        playwright.expect(readout).to_have_text(str(beam_size))
        words = captioner.caption(picture, beam_size).split()
        playwright.expect(card.locator("span")).to_have_text(words)
    playwright.expect(page.get_by_text("working …")).to_have_count(0)
    page.get_by_role("button", name="what each word looks at").first.click()
    page.locator("img.widget-image").nth(1).wait_for()  # the first is the picture itself


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "drawn & sent.png"
    cv2.imwrite(str(path), make_scene(1, 3)[0][:, :, ::-1])
    return path


def test_notebooks_in_jupyterlab(course, page, picture):
    notebooks = sorted((course / "notebooks").glob("0*.ipynb"))
    options = "OPTIONS=--no-browser --ip=127.0.0.1 --expose-app-in-browser"
    with served(course, "lab", options) as found:
        address = found[0].replace("localhost", "127.0.0.1")
        run_all(page, address, notebooks[0])
        page.screenshot(path=course / "01.png")
        for path in notebooks[1:5]:
            execute(path.stem, course / path.name)
        run_all(page, address, notebooks[5])
        page.screenshot(path=course / "06.png")
        run_all(page, address, notebooks[7])
        try_the_page(page, picture)
        page.screenshot(path=course / "08.png")
        page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{DARK}'}})")
        page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
        page.screenshot(path=course / "08_dark.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_alone(course, page, picture, theme):
    with served(course, "app") as found:
        page.goto(f"{found[0].replace('localhost', '127.0.0.1')}?theme={theme}")
        page.locator(".widget-upload").wait_for()
        try_the_page(page, picture)
        page.screenshot(path=course / f"app_{theme}.png", full_page=True)
        code = ".jp-CodeCell .jp-InputArea, .cm-editor, textarea"
        typed = "[contenteditable=true]:not(.widget-readout)"  # the sliders' numbers may be
        assert page.locator(f"{code}, {typed}").count() == 0
