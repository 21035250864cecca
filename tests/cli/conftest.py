"""A problem in a file, and a `fit` that trains nothing."""

import types

import pytest

from pinnkit import fitting as FIT

from ..report.synthetic import make_run

PROBLEM = """
from pinnkit import Condition, Interval, Problem
domain = Interval(x=(0.0, 1.0))
mine = Problem(
    name="mine",
    domain=domain,
    coefficients={"nu": 1.0},
    conditions={"pde": Condition(lambda u, nu: nu * u.xx, on=domain.interior)},
    reference=lambda x: 0 * x,
)
"""


class FakeSolution:
    """A solution whose run is synthetic."""

    def __init__(self, **changes):
        self.run = make_run(**changes)

    def report(self, console, full):
        console.print("the report")

    def save(self, folder):
        self.run.save(folder)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(PROBLEM)
    return tmp_path


@pytest.fixture
def fitted(monkeypatch):
    """The arguments of the calls of `fit`, which trains nothing."""
    calls, changes = [], {}

    def fit(problem, **options):
        calls.append(types.SimpleNamespace(problem=problem, **options))
        return FakeSolution(**changes)

    monkeypatch.setattr(FIT, "fit", fit)
    return types.SimpleNamespace(calls=calls, changes=changes)
