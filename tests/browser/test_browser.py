"""JupyterLab and the page of notebook 08 in Chromium, as a person uses them.

Run by `make browser-test`. Screenshots go to the folder that is printed at the end.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SHOTS = Path(tempfile.gettempdir()) / "caption-course-screenshots"
MINUTES = 60_000  # milliseconds

if CHROMIUM is None:
    pytest.exit("Chromium is missing: install the system's package `chromium` first.", 2)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    SHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield made
        made.close()
    print(f"\nScreenshots: {SHOTS}")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A copy of the notebooks and a fast run of 01 to 05, in a temporary folder."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    chosen = {"DATASET": "scenes", "ENCODER": "efficientnet_lite0", "PROFILE": "fast"}
    names = {f"CAPTION_{name}": value for name, value in chosen.items()}
    names |= {"CAPTION_DATA": str(folder / "data"), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    made = {**os.environ, **names, "COURSE": str(folder)}
    subprocess.run([sys.executable, "-m", "commands.notebooks"], cwd=ROOT, env=made, check=True)
    return made


@contextmanager
def served(command, folder, environment, port):
    """Run a server until the block ends; it has answered when the block begins."""
    log = open(SHOTS / f"{port}.log", "w")  # noqa: SIM115
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def opened(browser, theme="light"):
    """A page that notes every request that would leave this machine."""
    page = browser.new_page(viewport={"width": 1300, "height": 1500}, color_scheme=theme)
    page.set_default_timeout(3 * MINUTES)
    page.abroad = []

    def note(request):
        if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
            page.abroad.append(request.url)

    page.on("request", note)
    return page


def a_picture():
    content = io.BytesIO()
    Image.new("RGB", (400, 300), (60, 120, 200)).save(content, "png")
    return {"name": "sky.png", "mimeType": "image/png", "buffer": content.getvalue()}


def use_the_page(page, name):
    """Upload a picture, read its caption, ask for more captions, look at a word."""
    cards = page.locator(".widget-image")
    page.get_by_text("beam size").last.wait_for()
    cards.first.wait_for()
    before = cards.count()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Pictures").click()
    chooser.value.set_files([a_picture()])
    page.get_by_text("sky.png").first.wait_for()
    assert cards.count() == before + 1
    page.screenshot(path=SHOTS / f"{name}-uploaded.png", full_page=True)
    slider = page.get_by_role("slider").nth(1)
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    page.wait_for_function("() => document.body.innerText.split('%').length > 12")
    page.get_by_role("button", name="what each word looks at").first.click()
    page.wait_for_function(
        f"() => document.querySelectorAll('.widget-image').length > {before + 1}"
    )
    page.screenshot(path=SHOTS / f"{name}-words.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_alone(browser, environment, theme):
    port = free_port()
    notebook = Path(environment["COURSE"]) / "notebooks" / "08_your_photographs.ipynb"
    command = [BIN / "voila", notebook, "--no-browser", f"--port={port}", f"--theme={theme}"]
    folder = ROOT / "commands" / "app"
    with served(command, folder, {**environment, "JUPYTER_PATH": "."}, port):
        page = opened(browser, theme)
        page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        use_the_page(page, f"page-{theme}")
        assert page.locator(".cm-editor, .jp-InputArea-editor").count() == 0  # no code
        assert page.abroad == []
        page.close()


def run_all(page, address, notebook):
    """Open a notebook in the lab, run all of its cells and wait for the last."""
    page.goto(f"{address}/lab/tree/{notebook}?reset")
    page.locator(".jp-Notebook").wait_for()
    page.get_by_text("Python 3 (ipykernel)").first.wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
            return prompts.length && prompts.every(prompt => /\\[\\d+\\]/.test(prompt.innerText));
        }""",
        timeout=5 * MINUTES,
    )
    assert (
        page.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]').count()
        == 0
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_lab(browser, environment, theme):
    port, folder = free_port(), Path(environment["COURSE"])
    settings = folder / "config" / "lab" / "user-settings" / "@jupyterlab"
    for plugin, text in (
        ("apputils-extension/themes", f'{{"theme": "JupyterLab {theme.title()}"}}'),
        ("apputils-extension/notification", '{"fetchNews": "false", "checkForUpdates": false}'),
        ("notebook-extension/tracker", '{"windowingMode": "none"}'),
    ):
        path = settings / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    command = [BIN / "jupyter", "lab", "notebooks", "--allow-root", "--no-browser"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    address = f"http://127.0.0.1:{port}"
    with served(command, folder, environment, port):
        page = opened(browser, theme)
        for notebook in ("01_data_cleaning.ipynb", "06_evaluation.ipynb"):
            run_all(page, address, notebook)
            page.screenshot(path=SHOTS / f"lab-{theme}-{notebook[:2]}.png")
        run_all(page, address, "08_your_photographs.ipynb")
        use_the_page(page, f"lab-{theme}-08")
        assert page.abroad == []
        page.close()
