"""Every problem that comes with pinnkit: on one screen, with a true reference, accepted by `fit`."""

from pathlib import Path

import numpy as np
import pytest

import pinnkit
from pinnkit.equations.entries import entries
from pinnkit.equations.registry import find_problem
from tests.problems.gallery import NAMES, is_analytic, module_of, residuals_on_formula

FOLDER = Path(__file__).parents[2] / "problems"
SCREEN = 80


def test_every_file_is_registered():
    files = {file.stem: file.parent.name for file in FOLDER.glob("[a-z]*/*.py") if file.name != "__init__.py"}
    found = {name: entries()[name].value for name in NAMES}
    assert found == {name: f"pinnkit.problems.{kind}.{name}:{name}" for name, kind in files.items()}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_one_screen_with_its_equation_and_accuracy(name):
    module, problem = module_of(name), find_problem(name)
    first, *_ = module.__doc__.splitlines()
    assert problem.name == name and first.endswith((".", ":", ","))
    assert len(Path(module.__file__).read_text(encoding="utf-8").splitlines()) <= SCREEN
    assert not problem.doubts


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("x64")
def test_a_formula_satisfies_every_condition_and_other_references_state_their_accuracy(name):
    if not is_analytic(name):
        assert name == "burgers" or "\nReference: " in module_of(name).__doc__
        return
    rng = np.random.default_rng(0)
    for condition, declared in find_problem(name).conditions.items():
        unit = rng.uniform(0.02, 0.98, (16, declared.on.dimension))
        residual, scale = residuals_on_formula(name, condition, unit)
        noise = 5 * getattr(module_of(name), "noise", 0.0) if declared.is_measured else 0.0
        assert np.abs(residual).max() <= 1e-10 * scale + noise, (condition, np.abs(residual).max(), scale)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_fit_accepts_it(name):
    problem = find_problem(name)
    summary = pinnkit.fit(problem, strategy="adam", steps=2, points=16, width=4, depth=1).summary
    assert summary.steps == 2 and np.isfinite(summary.loss)
    assert problem.reference is None or all(np.isfinite(error) for error in summary.relative_l2.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_check_finds_nothing_wrong_and_formulas_satisfy_every_condition(name):
    found = pinnkit.check(find_problem(name))
    assert found.is_sound and (not found.findings or name == "stokes_cylinder")  # whose reference has 3e-6
    if is_analytic(name) and "\nReference: " not in module_of(name).__doc__:
        exact = {name: residual.row.relative for name, residual in found.reference.items() if not residual.uncertainty}
        assert not {name: value for name, value in exact.items() if value > 1e-10}
