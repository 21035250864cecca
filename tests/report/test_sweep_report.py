"""Mean and spread of runs that differ by their seeds."""

import numpy as np
import pytest

from pinnkit import InputError
from pinnkit.report.sweep_report import SweepReport

from .synthetic import make_run
from .test_page import Page

ERRORS = 1e-4, 3e-4, 0.4


def runs():
    return {f"seed {i}": make_run(relative_l2={"u": error}, seed=i) for i, error in enumerate(ERRORS)}


def test_mean_and_standard_deviation_are_those_of_the_figures():
    report = SweepReport(runs())
    rows = {row[0]: row[1:] for row in report.spread_table().rows}
    mean, spread = np.mean(ERRORS), np.std(ERRORS, ddof=1)
    assert rows["relative L2 error u"] == (f"{mean:.3f}", f"{spread:.3f}", "0.000100", "0.400")
    assert [row[:3] for row in report.run_table().rows] == [
        ("seed 0", "solved", "0.000100"),
        ("seed 1", "solved", "0.000300"),
        ("seed 2", "not solved", "0.400"),
    ]
    assert report.verdict == (
        f"3 runs: 2 solved, 1 not solved; relative L2 error u {mean:.3f} ± {spread:.3f} (mean ± standard deviation)."
    )


def test_one_run_has_no_spread_and_no_reference_is_needed():
    report = SweepReport({"seed 0": make_run(relative_l2=None, max_error=None)})
    assert "validation loss 1.50e-12 ± –" in report.verdict
    assert [row[0] for row in report.spread_table().rows] == ["validation loss", "steps", "seconds"]


def test_the_page_has_the_tables_and_the_curves_of_all_runs(tmp_path):
    html = SweepReport(runs()).save(tmp_path / "seeds.html").read_text()
    page = Page(html)
    assert html.count("<svg") == 3 and "seed 2" in page.text and "± " in page.text
    assert not {"script", "img"} & set(page.tags)


def test_runs_of_different_problems_are_refused():
    with pytest.raises(InputError, match="the runs solve different problems: one, two"):
        SweepReport({"a": make_run(problem="one"), "b": make_run(problem="two")})
    with pytest.raises(InputError, match="at least one"):
        SweepReport({})
