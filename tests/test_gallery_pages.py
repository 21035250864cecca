"""The gallery of the site: a page for each built-in problem, an index of all, and records that say what was reached."""

import json
import re
from pathlib import Path

import pytest

from pinnkit.checking.features import FEATURES
from tests.problems.gallery import NAMES

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pages():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        import gallery_pages

        yield gallery_pages


@pytest.fixture(scope="module")
def entries(pages):
    return {entry.name: entry for entry in pages.entries()}


@pytest.fixture(scope="module")
def index(pages, entries):
    return pages.index(list(entries.values()))


def test_the_index_lists_every_problem_once_by_kind_and_every_feature(entries, index):
    assert sorted(re.findall(r'<a href="(\w+)\.html"', index)) == NAMES == sorted(entries)
    table = index[index.index("## By feature") :]
    assert re.findall(r'<span id="feature-[\w-]+">([^<]+)</span>', table) == [feature.name for feature in FEATURES]
    assert set(re.findall(r"\((\w+)\.md\)", table)) == {name for name, entry in entries.items() if entry.features}


def test_features_link_to_their_rows_of_the_index(pages, entries, index):
    text = pages.page(entries["heat_robin"], list(entries.values()))
    linked = re.findall(r"index\.md#([\w-]+)", text)
    assert linked == ["feature-time", "feature-neumann", "feature-robin"]
    assert all(f'id="{place}"' in index for place in linked)


@pytest.mark.parametrize("name", ["heat_robin", "kirsch", "burgers", "rod_inverse", "stefan"])
def test_a_page_has_equations_commands_source_and_related_problems(pages, entries, name):
    text = pages.page(entries[name], list(entries.values()))
    assert f"pinnkit solve {name}" in text and f"--like {name}" in text
    source = text[text.index("??? example") : text.index("## Related problems")]
    assert f'    {name} = Problem(\n        name="{name}",' in source
    others = re.findall(r"\[(\w+)\]\(\1\.md\)", text[text.index("## Related problems") :])
    assert len(set(others)) == pages.RELATED and name not in others and set(others) <= set(entries)
    rows = re.findall(r"^\| (\w[\w ]*) \| (?:\$.* = 0\$|`.* = 0`) \| \$.+\$ \|$", text, re.M)
    assert rows == list(pages.find_problem(name).conditions)


def test_long_formulas_are_cut_and_published_errors_are_shown(pages, entries):
    assert "…" in pages.equations("kirsch")
    assert "8e-6† (SOAP)" in pages.page(entries["wave_1d"], list(entries.values()))
    assert pages.published("heat_robin") == []


def record(**changes):
    known = {
        "problem": "heat_robin",
        "fingerprint": "of another version",
        "pinnkit_version": "0.1.0",
        "budget": 20.0,
        "seed": 3,
        "machine": "2 cores",
        "strategy": "auto",
        "grade": "not solved",
        "verdict": "Not solved: the relative L2 error is 0.2.",
        "seconds": 21.4,
        "errors": {"u": 0.2},
        "validation_loss": 1e-3,
        "coefficients": {"k": {"value": 0.3, "interval": [0.2, 0.4], "true": 0.25}},
    }
    return {**known, **changes}


def test_a_record_is_told_as_it_is(pages, monkeypatch, tmp_path):
    (tmp_path / "heat_robin.json").write_text(json.dumps(record()))
    monkeypatch.setattr(pages.gallery, "RECORDS", tmp_path)
    entry = pages.Entry("heat_robin", "parabolic")
    text = pages.results(entry)
    assert "Not solved" in text and "budget was 20 s" in text and "seed 3" in text and "changed since" in text
    assert "| u | 2.00e-01 |" in text and "| k | 0.3 | 0.2 to 0.4 | 0.25 |" in text
    assert 'class="outcome not-solved">error 2.0e-01 in 21 s' in pages.card(entry)


def test_a_problem_without_a_record_has_a_page_that_says_how_to_make_one(pages, monkeypatch, tmp_path):
    monkeypatch.setattr(pages.gallery, "RECORDS", tmp_path)
    entry = pages.Entry("heat_robin", "parabolic")
    assert "python docs/gallery.py heat_robin" in pages.results(entry)
    assert "no picture yet" in pages.card(entry)
    assert "![" not in pages.page(entry, [entry])


def test_a_record_is_current_for_its_source_budget_and_seed_only(pages, monkeypatch, tmp_path):
    monkeypatch.setattr(pages.gallery, "RECORDS", tmp_path)
    assert not pages.gallery.is_current("heat_robin", 20.0, 3)
    same = record(fingerprint=pages.gallery.fingerprint("heat_robin"))
    (tmp_path / "heat_robin.json").write_text(json.dumps(same))
    assert pages.gallery.is_current("heat_robin", 20.0, 3)
    assert not pages.gallery.is_current("heat_robin", 60.0, 3)
    assert not pages.gallery.is_current("heat_robin", 20.0, 0)


def test_records_and_pictures_are_small_and_of_built_in_problems(pages):
    for path in pages.gallery.RECORDS.glob("*.*"):
        assert path.stem.removesuffix("-small") in NAMES and path.stat().st_size <= pages.gallery.MOST_BYTES


def test_one_failure_does_not_stop_the_others(pages, monkeypatch, tmp_path, capsys):
    def solve_alone(name, budget, seed):
        if name == "poisson_2d":
            raise RuntimeError("no memory")
        return "Solved."

    monkeypatch.setattr(pages.gallery, "RECORDS", tmp_path)
    monkeypatch.setattr(pages.gallery, "solve_alone", solve_alone)
    monkeypatch.setattr("sys.argv", ["gallery.py", "poisson_1d", "poisson_2d", "burgers"])
    assert pages.gallery.main() == 1
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "[1/3] poisson_1d: Solved.",
        "[2/3] poisson_2d: FAILED: no memory",
        "[3/3] burgers: Solved.",
        "failed: poisson_2d",
    ]
