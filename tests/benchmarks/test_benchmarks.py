"""The tables that the measurements write into Markdown pages."""

import pandas as pd
import pytest

from benchmarks import results
from benchmarks.tables import markdown_table, write_table


def test_a_table_replaces_the_one_before(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- here -->\n<!-- end of here -->\nbelow\n", "utf-8")
    table = markdown_table(["a", "b"], [["1", r"\2"]])
    for _ in range(2):
        write_table(page, "here", table)
        assert page.read_text("utf-8") == (
            "above\n<!-- here -->\n| a | b |\n| --- | --- |\n| 1 | \\2 |\n"
            "<!-- end of here -->\nbelow\n"
        )
    with pytest.raises(ValueError, match="page.md must hold <!-- there -->"):
        write_table(page, "there", table)


def test_results_are_means_and_deviations_of_the_seeds():
    scores = dict.fromkeys(results.SCORES, 20.0)
    costs = {"features": 67.4, "training": 1325.0, "decoding": 9.54, "parameters": 2_500_000}
    rows = [
        {"captioner": "ours", "search": search, "seed": seed, **scores, "cider_d": cider, **costs}
        for search, ciders in (("test-1", (47, 47, 47)), ("test-3", (50, 51, 52)))
        for seed, cider in enumerate(ciders)
    ]
    scores, costs = results.markdown(pd.DataFrame(rows)).split("\n\n")
    scores, costs = scores.splitlines(), costs.splitlines()
    assert scores[2].startswith("| ours | beam 3 |") and scores[2].endswith("| 51.0 ± 1.0 |")
    assert scores[3].startswith("| ours | greedy |") and scores[3].endswith("| 47.0 ± 0.0 |")
    assert len(scores) == 4 + len(results.PUBLISHED)
    assert costs[2:] == ["| ours | 67 s | 1,325 s | 10 s | 2.5 M |"]
    for table in (scores, costs):
        assert len({line.count("|") for line in table}) == 1
