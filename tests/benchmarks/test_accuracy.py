"""The table of accuracy on made-up records, and one problem from end to end (`pytest -m benchmark`)."""

import json
import math

import pytest

from pinnkit.equations.registry import find_problem

from . import accuracy
from .accuracy import ENTRIES, jobs_of, load, main, medians, page, run_table

VARIANTS = {"default": {}, "deep": {"depth": 5}}
JOBS = jobs_of(ENTRIES[:2], ["auto"], VARIANTS, seeds=[0, 1, 2])


def made_up(job):
    """Errors 1e-9, 2e-9, 3e-9 by seed."""
    figures = {"wall_s": 4.0 + job["seed"], "cpu_s": 8.0, "steps": 100, "peak_mb": 500.0, "stop_reason": "budget"}
    return {"relative_l2": [1e-9, 2e-9, 3e-9][job["seed"]], "device": "cpu", **figures}


def test_every_entry_is_a_problem_with_a_reference():
    for entry in ENTRIES:
        assert find_problem(entry.problem).with_coefficients(**entry.coefficients).reference is not None


def test_a_table_that_was_interrupted_goes_on_where_it_was(tmp_path):
    path, seen = tmp_path / "runs" / "accuracy.jsonl", []

    def interrupted(job):
        if len(seen) == 4:
            raise KeyboardInterrupt
        seen.append(job)
        return made_up(job)

    with pytest.raises(KeyboardInterrupt):
        run_table(JOBS, path, interrupted)
    assert len(load(path)) == 4
    path.write_bytes(path.read_bytes()[:-20])  # the machine went down while the last one was written
    run_table(JOBS, path, lambda job: seen.append(job) or made_up(job))
    assert seen == [*JOBS[:4], *JOBS[3:]]
    assert len(load(path)) == len(JOBS)
    run_table(JOBS, path, lambda job: pytest.fail("all of them are done"))


@pytest.mark.parametrize(
    "changed",
    [{"budget": 7}, {"seed": 9}, {"strategy": "adam"}, {"options": {"width": 3}}, {"coefficients": {"c": 3.0}}],
)
def test_a_run_with_anything_else_is_another_run(changed):
    assert accuracy.key(JOBS[0] | changed) != accuracy.key(JOBS[0])


def test_failures_are_recorded_and_repeated_only_when_asked(tmp_path):
    path = tmp_path / "accuracy.jsonl"
    fails = lambda job: {"failure": "MemoryError: too much"} if job["seed"] == 1 else made_up(job)
    run_table(JOBS, path, fails)
    run_table(JOBS, path, lambda job: pytest.fail("failed runs count as done"))
    assert "poisson_1d, auto, deep, seed 1: MemoryError: too much" in page(load(path).values(), [])
    run_table(JOBS, path, made_up, retry=True)
    assert not any("failure" in record for record in load(path).values())


def test_medians_count_a_failed_run_as_one_of_infinite_error():
    records = [{**job, **made_up(job)} for job in JOBS]
    row = medians(records)[0]
    assert (row["relative_l2"], row["wall_s"], row["runs"], row["failed"]) == (2e-9, 5.0, 3, 0)
    failed = [{**job, "failure": "no"} if job["seed"] < 1 else {**job, **made_up(job)} for job in JOBS]
    row = medians(failed)[0]
    assert (row["relative_l2"], row["wall_s"], row["failed"]) == (3e-9, 5.5, 1)
    row = medians([{**job, "failure": "no"} for job in JOBS])[0]
    assert math.isinf(row["relative_l2"]) and row["wall_s"] is None


def test_the_page_has_a_row_for_each_problem_strategy_and_variant():
    text = page(({**job, **made_up(job)} for job in reversed(JOBS)), ["--output", "a b.jsonl"])
    assert "tests.benchmarks.accuracy --output 'a b.jsonl'\n" in text
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"][2:]
    assert [row[:4] for row in rows] == [
        ["poisson_1d", "auto, deep", "10", "2.0e-09 (3.0e-09)"],
        ["poisson_1d", "auto", "10", "2.0e-09 (3.0e-09)"],
        ["poisson_2d", "auto, deep", "30", "2.0e-09 (3.0e-09)"],
        ["poisson_2d", "auto", "30", "2.0e-09 (3.0e-09)"],
    ]
    assert rows[0][4:] == ["5.0", "8.0", "100", "500", "3", "1e-09", "no", "4.4e-3 (tutorial of Opifex)"]
    met = page(({**job, **made_up(job), "relative_l2": 1e-10} for job in JOBS), [])
    assert met.count("| yes |") == 4


def test_a_problem_has_a_row_and_a_point_for_each_budget(tmp_path):
    entry = next(entry for entry in ENTRIES if len(entry.goals) == 3)
    jobs = jobs_of([entry], ["auto"], {"default": {}}, seeds=[0])
    assert [job["budget"] for job in jobs] == list(entry.goals)
    records = [{**job, **made_up(job), "relative_l2": 1e-3 / job["budget"]} for job in jobs]
    assert [row["budget"] for row in medians(reversed(records))] == list(entry.goals)
    accuracy.draw(records, tmp_path / "curves.svg")
    assert "<svg" in (tmp_path / "curves.svg").read_text()


def test_an_option_that_fit_does_not_have_is_refused_before_anything_runs():
    jobs = jobs_of(ENTRIES[:1], ["auto"], {"flat": {"curvature": 0}}, seeds=[0])
    with pytest.raises(
        ValueError, match=r"variant 'flat': `fit` has no option \['curvature'\]; it has \['checkpoints', 'choices'"
    ):
        accuracy.check(jobs)
    with pytest.raises(ValueError, match="there is no strategy 'fast'"):
        accuracy.check(jobs_of(ENTRIES[:1], ["fast"], VARIANTS, seeds=[0]))
    with pytest.raises(SystemExit):
        main(["poisson_9d"])


@pytest.mark.benchmark
def test_poisson_1d_from_end_to_end(tmp_path, capsys):
    output, markdown = tmp_path / "accuracy.jsonl", tmp_path / "accuracy.md"
    words = ["poisson_1d", "--strategies", "gauss-newton", "--seeds", "0", "--budget", "300", "--option", "steps=100"]
    words += ["--output", str(output), "--markdown", str(markdown)]
    assert main([*words, "--option", "curvature=0"]) == 2
    assert "has no option ['curvature']" in capsys.readouterr().err
    assert main(words) == 0
    (record,) = load(output).values()
    assert record["relative_l2"] <= 1e-4
    assert record["steps"] > 0 and record["cpu_s"] > 0 and record["peak_mb"] > 100
    assert "| poisson_1d | gauss-newton, steps=100 | 300 |" in markdown.read_text()
    assert json.loads(output.read_text()) == record
