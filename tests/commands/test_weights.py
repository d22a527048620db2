"""A joined encoder whose weights cannot be had is named before a run's first minute is spent."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import results, runs
from benchmarks.trained import Row
from commands import notebooks, weights
from utils.errors import CourseError
from utils.run import Run
from utils.settings import load_settings

NEITHER = "Xception weights could be fetched neither"


@pytest.fixture
def unreachable(monkeypatch, tmp_path):
    """Neither a cache nor a host, in the processes that this one starts."""
    for name, value in {
        "CAPTION_DATA": tmp_path,
        "HOME": tmp_path,
        "XDG_CACHE_HOME": tmp_path,
        "LOCALAPPDATA": tmp_path,
        "KERAS_HOME": tmp_path,
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": tmp_path / "none",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def test_make_run_names_the_missing_one_and_executes_nothing(unreachable, monkeypatch):
    monkeypatch.setenv("CAPTION_ENCODER", "efficientnet_lite0+xception")
    monkeypatch.setattr("sys.argv", ["course"])
    monkeypatch.setattr(notebooks, "execute", pytest.fail)
    with pytest.raises(SystemExit, match=NEITHER):
        notebooks.main()


@pytest.fixture
def missing(monkeypatch, tmp_path):
    """Xception's weights cannot be had, and no process is needed to find out."""

    def build(name):
        built.append(name)
        if name == "xception":
            raise CourseError(f"The {NEITHER}.")

    built = []
    monkeypatch.setattr(weights, "ProcessPoolExecutor", lambda *_: ThreadPoolExecutor(1))
    monkeypatch.setattr(weights, "build_encoder", build)
    monkeypatch.setenv("CAPTION_RUNS", str(tmp_path))
    return built


def test_make_results_asks_for_the_weights_of_all_rows_first(missing, monkeypatch):
    rows = (results.ROWS[0], Row("ours", "efficientnet_lite0+xception"))
    monkeypatch.setattr(results, "ROWS", rows)
    monkeypatch.setattr(results, "prepared", pytest.fail)
    with pytest.raises(CourseError, match=NEITHER):
        results.main()
    assert missing == ["vgg16", "efficientnet_lite0", "xception"]


def test_other_measurements_ask_before_notebook_01(missing, monkeypatch):
    monkeypatch.setattr(runs, "execute", pytest.fail)
    with pytest.raises(CourseError, match=NEITHER):
        runs.prepared(load_settings(encoder="vgg16+xception"))


def test_features_that_are_there_need_no_weights(missing, monkeypatch):
    monkeypatch.setattr(Run, "holds", lambda run, name: name == "features.npy")
    weights.get_weights([Run(load_settings(encoder="xception"))])
    assert missing == []


def test_ctrl_c_meanwhile_is_one_sentence(missing, monkeypatch):
    def build(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(weights, "build_encoder", build)
    with pytest.raises(CourseError, match="^Stopped before the weights of vgg16 were there.$"):
        weights.get_weights([Run(load_settings())])
