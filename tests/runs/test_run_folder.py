"""Run folders: what is written is read again, belongs to one problem, stays in its folder, and is always the same."""

import dataclasses
import enum
import hashlib
import json
import math
import os
import shutil
import stat
import subprocess
import sys
import types
import typing
from pathlib import Path

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pinnkit
from pinnkit import Callback, Checkpoints, Condition, Problem, Run, RunFolderError, Summary, fit
from pinnkit._base import json_encoding as _json
from pinnkit.report import Comparison, LiveFile, Report
from pinnkit.report.live import LIVE
from pinnkit.runs.resume import fingerprint as identity
from pinnkit.runs.resume.fingerprint import problem_identity, reconciled
from pinnkit.runs.storage.atomic_files import summed
from pinnkit.runs.storage.manifest import MANIFEST

from ..problems_for_tests import LINE, decay_rate, poisson, stokes
from ..report.synthetic import make_run

SMALL = {"strategy": "adam", "steps": 20, "points": 8, "width": 4, "depth": 1}


# Figures.

NUMBERS = st.floats(width=64)
WORDS = st.text(max_size=5) | st.sampled_from(["nan", "inf", "-inf", "null", "1.5", "true"])
WHOLE = st.integers(0, 2**53)


BASIC = {float: NUMBERS, int: WHOLE, str: WORDS, bool: st.booleans(), type(None): st.none()}


def anything(kind):
    """Any value of a type that a summary may hold."""
    if kind in BASIC:
        return BASIC[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict:
        return st.dictionaries(anything(inner[0]), anything(inner[1]), max_size=3)
    if origin is list:
        return st.lists(anything(inner[0]), max_size=2)
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(anything(inner[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(anything, inner))
    if origin is not None or isinstance(kind, types.UnionType):
        return st.one_of(*map(anything, inner))
    if issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    return st.builds(kind, **{field.name: anything(field.type) for field in msgspec.structs.fields(kind)})


def as_text(value):
    """All of it, in words that tell None, NaN and the infinities apart."""
    return repr(msgspec.to_builtins(value))


@settings(max_examples=50, deadline=None)
@given(summary=anything(Summary))
def test_any_summary_is_read_as_it_was_written(summary):
    data = summary.encoded()
    assert as_text(Summary.decoded(data)) == as_text(summary)
    strict = lambda word: pytest.fail(f"{word} is not JSON")
    json.loads(data, parse_constant=strict)


def test_scripts_read_what_is_no_finite_number():
    found = json.loads(_json.encode({"a": math.nan, "b": [math.inf, -math.inf], "c": None, "d": 0.5}))
    assert found == {"a": "nan", "b": ["inf", "-inf"], "c": None, "d": 0.5}
    assert math.isnan(float(found["a"])) and float(found["b"][1]) == -math.inf


def test_a_run_with_infinite_figures_is_saved_read_and_reported(tmp_path):
    run = make_run(
        validation_loss=math.inf, loss=math.nan, relative_l2={"u": math.nan}, losses={"pde": -math.inf, "walls": 1.0}
    )
    run.history.loss = run.history.loss.copy()
    run.history.loss[3:6] = math.inf, math.nan, -math.inf
    run = dataclasses.replace(run, config={**run.config, "target": math.inf, "table": {"a": [math.nan, -math.inf]}})
    run.save(tmp_path)
    found = Run.load(str(tmp_path))
    assert as_text(found.summary) == as_text(run.summary)
    assert repr(sorted(found.config.items())) == repr(sorted(run.config.items()))
    np.testing.assert_array_equal(found.history.loss, run.history.loss)
    assert json.loads(Report(found).json())["validation_loss"] == "inf"
    assert "<html" in Report(found).html()
    Report(found)()


def test_folders_are_named_by_text_or_path(tmp_path):
    for name, kind in (("a", str), ("b", Path)):
        folder = kind(tmp_path / name)
        run = make_run()
        run.save(folder)
        assert Run.load(folder).summary == run.summary
        assert Report(run).save(folder).is_file()
        LiveFile(folder)
    assert Comparison.load([str(tmp_path / "a"), tmp_path / "b"]).runs.keys() == {"a", "b"}


# The problem of a run.


def fixed(end=1.0, **changes):
    """u'' = 0 with u(0) = `end`, u(1) = 0."""
    conditions = {
        "pde": Condition(lambda u: u.xx, on=LINE.interior),
        "left": Condition(lambda u: u - end, on=LINE.lower_face("x")),
        "right": Condition(lambda u: u, on=LINE.upper_face("x")),
    }
    return Problem("fixed", LINE, {**conditions, **changes})


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("solved") / "run"
    solution = fit(fixed(), **SMALL)
    solution.save(folder)
    return folder, solution


def test_a_solution_is_loaded_with_its_problem(solved):
    folder, solution = solved
    np.testing.assert_array_equal(pinnkit.load(str(folder), fixed())(x=0.3), solution(x=0.3))


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (
            fixed(100.0),
            r"differs in: equation of left, residual of left \(1, now 98\); load it with the ",
        ),
        (fixed(pde=Condition(lambda u: u.xx + 1, on=LINE.interior)), "differs in: equation of pde, residual of pde "),
        (
            fixed(more=Condition(lambda u: u.x, on=LINE.lower_face("x"))),
            r"equation of more, points of more, residual of more \(none, now 1.61803\); load",
        ),
        (poisson(), "holds a run of problem 'fixed', not of 'poisson'"),
    ],
)
def test_a_run_of_another_problem_is_refused_with_the_difference(solved, problem, told):
    with pytest.raises(RunFolderError, match=told) as caught:
        pinnkit.load(solved[0], problem)
    assert "\n" not in str(caught.value)


TABLE = np.linspace(0.0, 1.0, 2000)


def tabulated(values):
    """An equation with a table inside compiled code."""
    source = jax.jit(lambda x: jnp.interp(x, TABLE, values))
    return fixed(pde=Condition(lambda u, x: u.xx - source(x), on=LINE.interior))


def test_a_table_in_compiled_code_belongs_to_the_problem():
    """Also where only an entry between the points differs at which residuals are compared."""
    values, changed = TABLE**2, TABLE**2
    changed[1234] += 1e-9
    one, same, other = (problem_identity(tabulated(table)) for table in (values, values.copy(), changed))
    assert one == same
    assert [name for name in one if one[name] != other[name]] == ["equation of pde"]


def test_another_version_of_jax_writes_equations_in_other_words_and_residuals_decide(solved, tmp_path, monkeypatch):
    shutil.copytree(solved[0], tmp_path / "run")
    versions = identity.versions()
    monkeypatch.setattr(identity, "versions", lambda: {**versions, "jax": "99"})
    monkeypatch.setattr("pinnkit.equations.trace.Equation.text", property(lambda self: f"in other words {id(self)}"))
    np.testing.assert_array_equal(pinnkit.load(tmp_path / "run", fixed())(x=0.3), solved[1](x=0.3))
    with pytest.raises(RunFolderError, match="differs in: equation of left, residual of left"):
        pinnkit.load(tmp_path / "run", fixed(1.0 + 1e-6))
    monkeypatch.setattr(identity, "versions", lambda: versions)
    with pytest.raises(RunFolderError, match="differs in: equation of pde"):
        pinnkit.load(tmp_path / "run", fixed())


def test_residuals_that_agree_but_for_rounding_are_the_same():
    begun = problem_identity(stokes())
    moved = {k: [v * (1 + 1e-13) for v in values] if k[:8] == "residual" else values for k, values in begun.items()}
    assert moved != begun
    assert reconciled(moved, begun, True) == begun
    assert len([key for key in begun if key.startswith("residual of ")]) == len(stokes().conditions)
    assert all(isinstance(v, float | str) for key in begun if key[:8] == "residual" for v in begun[key])
    assert problem_identity(decay_rate())["residual of data"] != problem_identity(decay_rate())["residual of pde"]


def test_a_run_without_its_fingerprint_is_refused(solved, tmp_path):
    shutil.copytree(solved[0], tmp_path / "run")
    files = {name: (tmp_path / "run" / name).read_bytes() for name in os.listdir(tmp_path / "run")}
    del files["problem.json"], files["SHA256SUMS"]
    (tmp_path / "run" / "SHA256SUMS").write_bytes(summed(files)["SHA256SUMS"])
    with pytest.raises(RunFolderError, match="has no problem.json"):
        pinnkit.load(tmp_path / "run", fixed())


# The same bytes.

EQUAL = """
import dataclasses, sys
import msgspec, numpy as np
from pinnkit import fit
from pinnkit.runs.stop_reason import StopReason
from pinnkit.runs.summary import Seconds
from tests.problems_for_tests import stokes

solution = fit(stokes(), strategy="ntk-adam", steps=30, points=30, width=6, depth=1)
summary = msgspec.structs.replace(solution.summary, seconds=Seconds(0.0, 0.0, 0.0, 0.0), peak_memory_bytes=0, date="")
history = solution.history
history.checks = [dataclasses.replace(check, seconds=0.0) for check in history.checks]
history.phases = [dataclasses.replace(stage, seconds=0.0, memory=0) for stage in history.phases]
solution.run = dataclasses.replace(solution.run, summary=summary)
solution.save(sys.argv[1])
"""


CACHE = {
    "JAX_COMPILATION_CACHE_DIR": str(jax.config.jax_compilation_cache_dir),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}


@pytest.mark.slow
def test_files_of_equal_runs_are_the_same_bytes_but_for_times(tmp_path):
    """In two processes, whose sets and hashes are in other orders, minutes of the clock apart."""
    sums = []
    for seed in ("1", "2"):
        environment = {**os.environ, **CACHE, "PYTHONHASHSEED": seed, "JAX_PLATFORMS": "cpu"}
        root = Path(__file__).parents[2]
        subprocess.run([sys.executable, "-c", EQUAL, str(tmp_path / seed)], env=environment, cwd=root, check=True)
        files = sorted((tmp_path / seed).iterdir())
        sums.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})
    assert len(sums[0]) == 7 and sums[0] == sums[1]


# Permissions and systems.


class Modes(Callback):
    """The permissions of everything in a folder, while a fit goes on."""

    def __init__(self, folder):
        self.folder, self.wide = folder, set()
        self.names = set()

    def progress(self, event):
        for path in (self.folder, *self.folder.rglob("*")):
            try:
                mode = stat.S_IMODE(path.lstat().st_mode)
            except FileNotFoundError:
                continue
            self.names.add(path.name)
            if mode & 0o077:
                self.wide.add((path.name, oct(mode)))


@pytest.mark.slow
def test_a_umask_is_kept(tmp_path):
    modes = Modes(tmp_path / "outer" / "run")
    plan = Checkpoints(modes.folder, None, every_steps=10)
    old = os.umask(0o077)
    try:
        solution = fit(fixed(), **{**SMALL, "steps": 300}, checkpoints=plan, callbacks=[LiveFile(modes.folder), modes])
        solution.save(modes.folder)
        solution.save_weights(modes.folder / "weights.safetensors")
    finally:
        os.umask(old)
    modes.progress(None)
    assert {".lock", LIVE, MANIFEST, "summary.json", "weights.safetensors"} <= modes.names
    assert modes.wide == set()
    assert stat.S_IMODE((tmp_path / "outer").stat().st_mode) == 0o700


def test_files_are_for_others_to_read_where_the_umask_lets_them(tmp_path):
    old = os.umask(0o022)
    try:
        make_run().save(tmp_path)
    finally:
        os.umask(old)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o644}


def test_pinnkit_works_where_there_is_no_module_resource():
    """As on Windows: the peak of memory is then not known."""
    code = (
        "import sys; sys.modules['resource'] = None\n"
        "import pinnkit, pinnkit.cli.app\n"
        "from pinnkit.runs.recorder import peak_memory_bytes\n"
        "assert peak_memory_bytes() == 0\n"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "JAX_PLATFORMS": "cpu"}, check=True)
