"""The results tables: what is measured of made-up captions, and how it is shown."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import results, results_page
from benchmarks.captions import BEAM, SEARCHES, Captions
from benchmarks.results import PEOPLE, Results
from benchmarks.trained import ROWS
from utils.errors import CourseError
from utils.evaluation import WITH_CONSENSUS
from utils.metrics import bootstrap_intervals, human_ceiling, score_captions

PEOPLE_SAY = {
    "a.jpg": ["a dog runs on grass", "the brown dog is running on the grass"],
    "b.jpg": ["two cats sit on a chair", "cats"],
    "c.jpg": ["a boat at sea", "a small boat"],
    "d.jpg": ["a bird over a house", "a bird flies over a house"],
}
GOOD = ["a dog runs on the grass", "two cats sit", "a boat", "a bird flies over a red house"]
FAIR = ["a dog runs", "two cats", "a boat", "a bird flies over a house"]
BAD = ["a dog", "a dog", "a dog", "a dog"]
TRAIN = {"a dog", "a boat"}
COSTS = {"features": 67.4, "training": 1325.0, "parameters": 2_500_000}
COSTS |= {"decoding": {"dev": 8.0, "test": 9.54}}


def captions(said, search=BEAM, splits=("dev", "test")):
    by_image = dict(zip(PEOPLE_SAY, said, strict=True))
    return Captions(search, dict.fromkeys(splits, by_image), COSTS)


@pytest.fixture
def measured(monkeypatch):
    monkeypatch.setattr("utils.metrics.resampling.RESAMPLES", 200)
    found = Results(dict.fromkeys(("dev", "test"), PEOPLE_SAY), TRAIN)
    found.add("ours", [captions(GOOD), captions(FAIR), captions(BAD, "greedy")])
    return found


def row_of(measured, label, search, split="test"):
    table = pd.DataFrame(measured.rows)
    chosen = table["captioner"].eq(label) & table["search"].eq(search) & table["split"].eq(split)
    (row,) = table[chosen].to_dict("records")
    return row


# What is measured -------------------------------------------------------------------------------


def test_scores_are_means_and_deviations_of_the_seeds(measured):
    row = row_of(measured, "ours", BEAM)
    seeds = [score_captions(said, list(PEOPLE_SAY.values())) for said in (GOOD, FAIR)]
    for name in seeds[0]:
        values = [scores[name] for scores in seeds]
        assert row[name] == pytest.approx(np.mean(values))
        assert row[f"{name}_sd"] == pytest.approx(np.std(values, ddof=1))
    assert row["seeds"] == 2 and row["decoding"] == 9.54 and row["training"] == 1325
    assert row_of(measured, "ours", BEAM, "dev")["decoding"] == 8
    assert row["mean_length"] == pytest.approx((18 / 4 + 13 / 4) / 2)
    assert row["in_train"] == 25


def test_the_interval_holds_the_score(measured):
    for row in measured.rows:
        for name in ("bleu_4", "cider_d"):
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]


def test_one_seed_has_an_interval_and_no_deviation(measured):
    row = row_of(measured, "ours", "greedy")
    assert np.isnan(row["bleu_4_sd"]) and row["seeds"] == 1
    ends = bootstrap_intervals(BAD, list(PEOPLE_SAY.values()), results.SEED)["cider_d"]
    assert [row["cider_d_low"], row["cider_d_high"]] == pytest.approx(ends)


def test_seeds_are_averaged_within_a_drawn_set(measured):
    measured.add("one", [captions(GOOD)])
    measured.add("other", [captions(FAIR)])
    both, one, other = (measured.scored[name, BEAM, "test"] for name in ("ours", "one", "other"))
    pd.testing.assert_frame_equal(both, (one + other) / 2)


def test_a_single_picture_can_be_scored():
    found = Results({"test": {"a.jpg": PEOPLE_SAY["a.jpg"]}}, TRAIN)
    found.add("ours", [Captions(BEAM, {"test": {"a.jpg": "a dog"}}, COSTS)])
    (row,) = found.rows
    assert row["bleu_4_low"] == row["bleu_4"] == row["bleu_4_high"]


def test_without_train_captions_nothing_is_compared_with_them():
    with pytest.raises(CourseError, match="those of train"):
        Results({"test": PEOPLE_SAY}, set()).add("ours", [captions(GOOD, splits=("test",))])


def test_gains_are_paired(measured):
    measured.add("worse", [captions(BAD)])
    same, gain, loss = measured.gains(
        [
            (("ours", BEAM), ("ours", BEAM)),
            (("ours", BEAM), ("worse", BEAM)),
            (("worse", BEAM), ("ours", BEAM)),
        ]
    ).to_dict("records")
    ends = ("bleu_4", "bleu_4_low", "bleu_4_high", "cider_d", "cider_d_low", "cider_d_high")
    assert [same[name] for name in ends] == [0] * 6
    ours, worse = row_of(measured, "ours", BEAM), row_of(measured, "worse", BEAM)
    assert gain["cider_d"] == pytest.approx(ours["cider_d"] - worse["cider_d"])
    assert 0 < gain["cider_d_low"] <= gain["cider_d"] <= gain["cider_d_high"]
    assert loss["cider_d_low"] == pytest.approx(-gain["cider_d_high"])
    assert gain["captioner"] == "ours, beam 3" and gain["over"] == "worse, beam 3"


def test_what_is_compared_is_in_the_table():
    labels = [row.label for row in ROWS]
    assert len(set(labels)) == len(labels)
    there = {(label, search) for label in labels for search in SEARCHES}
    there |= {(f"{results.SHIPPED}, {guided}", BEAM) for guided in ("guided", "not guided")}
    for pair in results.DIFFERENCES:
        assert set(pair) <= there


def test_floor_and_ceiling_are_measured_like_captioners(measured, monkeypatch):
    floors = dict.fromkeys(
        ("constant caption", "caption of a random picture", "caption of the nearest picture"), BAD
    )
    monkeypatch.setattr(results, "floor_captions", lambda run: floors)
    run = type("Run", (), {"settings": type("Settings", (), {"encoder": "vgg16"})})
    measured.add_floor_and_ceiling(run)
    assert row_of(measured, "caption of the nearest train picture (vgg16)", "")["in_train"] == 100
    people = row_of(measured, PEOPLE, "")
    for name, score in human_ceiling(list(PEOPLE_SAY.values())).items():
        assert people[name] == pytest.approx(score)
        assert np.isnan(people[f"{name}_sd"])
    assert people["distinct_captions"] == 4 and people["bleu_4_low"] <= people["bleu_4_high"]


# How it is shown --------------------------------------------------------------------------------


def table_of(labels):
    """Made-up results of some labels, one of floors."""
    rows = []
    for label in labels:
        for search, cider in (("greedy", 47.0), (BEAM, 51.0), (WITH_CONSENSUS, 55.0)):
            scores = dict.fromkeys(results_page.SCORES, 20.0) | {"cider_d": cider}
            rows.append({"captioner": label, "search": search, **scores, **COSTS, "decoding": 9.5})
    rows.append({"captioner": "floor", "search": "", **dict.fromkeys(results_page.SCORES, 2.0)})
    table = pd.DataFrame(rows).assign(split="test", mean_length=9.64, distinct_captions=830.0)
    table = table.assign(different_words=301.7, in_train=9.12, looping=0.0)
    for name in results_page.SCORES:
        table[f"{name}_sd"] = np.where(table["search"] == BEAM, 1.0, np.nan)
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - 1, table[name] + 1
    return table


def cells_of(markdown):
    lines = [line.strip("|") for line in markdown.splitlines()]
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    assert len({len(row) for row in rows}) == 1
    return rows[2:]


def test_tables_say_what_was_measured():
    table = table_of(["ours"])
    scores = cells_of(results_page.scores_markdown(table))
    assert [row[:2] for row in scores[:4]] == [
        ["ours", "beam 3"],
        ["ours", "with consensus"],
        ["ours", "greedy"],
        ["floor", ""],
    ]
    assert scores[0][7:] == ["51.0 ± 1.0", "19.0 to 21.0", "50.0 to 52.0"]
    assert scores[1][7] == "55.0"
    assert len(scores) == 4 + len(results_page.PUBLISHED)
    varied = cells_of(results_page.variety_markdown(table))
    assert varied[0] == ["ours", "beam 3", "9.6", "830", "302", "9.1 %", "0.0 %"]
    costs = cells_of(results_page.costs_markdown(table))
    assert costs == [["ours", "67 s", "1,325 s", "10 s", "2.5 M"]]


def test_the_short_table_has_rows_of_the_long_one():
    table = table_of([row.label for row in ROWS])
    long = results_page.scores_markdown(table)
    short = cells_of(results_page.short_markdown(table))
    assert len(short) == 2 * sum(row.short for row in ROWS) + 1
    for label, *cells in short[:-1]:
        name = label.removesuffix(", with consensus")
        search = "beam 3" if name == label else "with consensus"
        assert f"| {name} | {search} | {' | '.join(cells)} | " in long
    assert short[-1][0] == f"*{results_page.BESIDE}*"


def test_gains_beyond_chance_are_bold():
    row = {"captioner": "a", "over": "b", "bleu_4": 1.0, "bleu_4_low": 0.2, "bleu_4_high": 1.8}
    row |= {"cider_d": -0.5, "cider_d_low": -1.5, "cider_d_high": -0.0}
    (cells,) = cells_of(results_page.gains_markdown(pd.DataFrame([row])))
    assert cells == ["a", "b", "**+1.0** (+0.2 to +1.8)", "−0.5 (−1.5 to 0.0)"]


def test_the_chart_shows_every_captioner_beside_the_published_ones():
    figure = results_page.draw(table_of(["ours", "others"]))
    bleu, cider = figure.axes
    labels = [label.get_text().replace("\n", " ") for label in bleu.get_yticklabels()]
    published = [label for label, *_ in results_page.PUBLISHED]
    assert labels == ["floor", *published[::-1], "ours", "others"]
    assert len(bleu.patches) == 1 + len(published) + 4
    assert len(cider.lines) == 5 + 1  # intervals, and the best published LSTM


def test_pages_hold_all_tables(tmp_path, monkeypatch):
    names = ("results", "differences", "variety", "costs")
    (tmp_path / "benchmarks").mkdir()
    page, short = tmp_path / "benchmarks" / "README.md", tmp_path / "README.md"
    page.write_text("\n".join(f"<!-- {name} -->\n<!-- end of {name} -->" for name in names))
    short.write_text("<!-- short results -->\n<!-- end of short results -->\n")
    monkeypatch.setattr(results_page, "ROOT", tmp_path)
    gains = pd.DataFrame([dict.fromkeys(("bleu_4", "cider_d"), 1.0)])
    gains = gains.assign(captioner="a", over="b")
    for name in ("bleu_4", "cider_d"):
        gains[f"{name}_low"], gains[f"{name}_high"] = 0.5, 1.5
    results_page.write_pages(table_of(["ours"]), gains)
    assert page.read_text("utf-8").count("\n| --- |") == len(names)
    assert results_page.BESIDE in short.read_text("utf-8")
