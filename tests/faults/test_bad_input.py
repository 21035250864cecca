"""Two hundred invalid inputs: on the command line one line and status 2, in Python a precise exception."""

import contextlib
import io
import math
import os
from pathlib import Path

import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pinnkit
from pinnkit import (
    MLP,
    Box,
    CausalWeighting,
    Checkpoints,
    Choices,
    Condition,
    ConstantLearningRate,
    FourierFeatures,
    Interval,
    ModifiedMLP,
    NTKLearningRate,
    NTKWeighting,
    Periodic,
    Phase,
    PirateNet,
    PointSet,
    Problem,
    QuantileWeighting,
    QuasiRandom,
    ReLoBRaLoWeighting,
    Rescale,
    ResidualAdaptive,
    SeparableNetwork,
    SineFeatures,
    Siren,
    Strategy,
    Uniform,
    Unknown,
    factorize_weights,
    fit,
)
from pinnkit.cli.app import main
from tests.problems_for_tests import LINE, PLANE, poisson

pytestmark = pytest.mark.faults

FILES = {
    "mine.py": """
from pinnkit import Condition, Interval, Problem
domain = Interval(x=(0.0, 1.0))
mine = Problem(name="mine", domain=domain, coefficients={"nu": 1.0},
               conditions={"pde": Condition(lambda u, nu: nu * u.xx, on=domain.interior)})
""",
    "syntax.py": "def (:",
    "empty.py": "",
    "raises.py": "raise RuntimeError('line one\\nline two')",
    "exits.py": "raise SystemExit(0)",
    "several.py": "from mine import *\nother = mine.with_coefficients(nu=2.0)",
    "imports.py": "import no_such_package",
    "wrong.py": "from pinnkit import *\nmine = Problem(name='a b', domain=Interval(x=(0, 1)), conditions={})",
    "binary.py": "\x00\x01",
    "text.txt": "text",
}


@pytest.fixture(autouse=True)
def as_for_users():
    """Without the types that are checked in tests only."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with files, `folder/` and `broken/`, a run folder whose summary is none."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "summary.json").write_text("{}")
    return tmp_path


def assert_refused(tokens):
    """One line on standard error, nothing on standard output, status 2, and the folder as it was."""
    before = sorted(os.listdir("."))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(tokens)
    lines = err.getvalue().splitlines()
    assert status == 2, (tokens, status, lines)
    assert out.getvalue() == ""
    told = [line for line in lines if line.startswith("pinnkit: ")]  # `solve` names what it does before that
    assert told == lines[-1:] and told[0].startswith("pinnkit: error: "), lines
    assert not any("Traceback" in line for line in lines) and len(told[0]) > 20
    assert sorted(name for name in os.listdir(".") if name != "__pycache__") == before


SOLVE = ("solve", "mine.py")

COMMAND_LINES = [
    *[(*SOLVE, "--steps", value) for value in ("x", "1.5", "-1", "1e3", "", "nan", "0x10", "9" * 30)],
    *[(*SOLVE, "--seed", value) for value in ("x", "1.5", "-1", "2147483648", "1" + 40 * "0")],
    *[(*SOLVE, "--points", value) for value in ("x", "0", "-5", "2.5", "999999999999")],
    *[(*SOLVE, "--width", value) for value in ("x", "0", "-5", "2.5")],
    *[(*SOLVE, "--depth", value) for value in ("x", "0", "-5", "2.5")],
    *[(*SOLVE, "--budget", value) for value in ("x", "0", "-1", "nan", "inf", "-inf", "1h")],
    *[(*SOLVE, "--target", value) for value in ("x", "0", "-1", "nan", "inf")],
    *[(*SOLVE, "--precision", value) for value in ("half", "64", "")],
    *[(*SOLVE, "--constraints", value) for value in ("exact", "")],
    *[(*SOLVE, "--strategy", value) for value in ("none", "", "adamw", "Adam")],
    *[(*SOLVE, "--sampler", value) for value in ("none", "", "sobol")],
    *[(*SOLVE, "--weighting", value) for value in ("none", "", "NTK")],
    *[(*SOLVE, "--set", value) for value in ("nu", "nu=", "nu=x", "nu=nan", "nu=inf", "mu=1", "=1", "")],
    *[(*SOLVE, "--checkpoint-seconds", value) for value in ("x", "0", "-1", "nan", "inf")],
    *[(*SOLVE, "--checkpoint-steps", value) for value in ("x", "0", "-1", "1.5")],
    *[(*SOLVE, "--checkpoint-keep", value) for value in ("x", "0", "-1")],
    *[(*SOLVE, "--output", value) for value in ("text.txt", "text.txt/run", "a\0b", 300 * "x")],
    *[("solve", name) for name in FILES if name not in ("mine.py", "text.txt")],
    *[
        ("solve", spec)
        for spec in ("", "folder", "text.txt", "no_such", "no:such", "mine.py:other", ":x", "x:", "a\0b")
    ],
    ("solve",),
    (*SOLVE, "more"),
    (*SOLVE, "--no-such-option"),
    (*SOLVE, "--steps"),
    (*SOLVE, "--resume", "--overwrite"),
    (*SOLVE, "--weighting", "rba", "--sampler", "uniform", "--strategy", "auto", "--precision", "half"),
    (*SOLVE, "--strategy", "gauss-newton", "--precision", "single"),
    (*SOLVE, "--weighting", "causal", "--strategy", "adam"),
    *[("ntk", "mine.py", *more) for more in (("--points", "0"), ("--seed", "x"), ("--modes", "3"), ("--memory", "1"))],
    *[("ntk", "mine.py", "--all-points", "--memory", value) for value in ("0", "-1", "nan", "x")],
    ("ntk", "mine.py", "--all-points", "--modes", "0"),
    *[("report", folder) for folder in ("nowhere", "folder", "broken", "text.txt", "", "a\0b")],
    ("report",),
    ("compare",),
    ("compare", "broken"),
    ("compare", "broken", "nowhere"),
    *[("watch", "nowhere", "--every", value) for value in ("0", "-1", "nan", "x")],
    ("watch", "nowhere"),
    ("no-such-command",),
    ("--no-such-option",),
]


@pytest.mark.parametrize("tokens", COMMAND_LINES, ids=range(len(COMMAND_LINES)))
def test_a_command_line(tokens):
    assert_refused(list(tokens))


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda word: not word.startswith("-")
)
NOT_WHOLE = st.one_of(WORDS, st.floats(allow_nan=True).map(str)).filter(
    lambda word: not word.strip().replace("_", "").removeprefix("+").isdigit()
)
OPTIONS = ("--steps", "--seed", "--points", "--width", "--depth", "--checkpoint-steps", "--checkpoint-keep")


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(option=st.sampled_from(OPTIONS), value=NOT_WHOLE)
def test_any_text_that_is_no_whole_number(option, value):
    assert_refused([*SOLVE, option, value])


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(option=st.sampled_from(["--strategy", "--sampler", "--weighting", "--precision", "--constraints"]), value=WORDS)
def test_any_name_that_is_none(option, value):
    assert_refused([*SOLVE, option, value])


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(option=st.sampled_from(["--budget", "--target", "--checkpoint-seconds"]), value=st.floats(max_value=0.0))
def test_any_number_that_is_not_positive(option, value):
    assert_refused([*SOLVE, f"{option}={value}"])


# Python.

NAN, INF = float("nan"), float("inf")
VALUE = Condition(lambda u: u, on=LINE.interior)


def refused_by_fit(**arguments):
    return lambda: fit(poisson(), **{"strategy": "adam", "steps": 1, "points": 4, "width": 3, "depth": 1, **arguments})


def problem(**changes):
    return lambda: Problem(**{"name": "p", "domain": LINE, "conditions": {"a": VALUE}, **changes})


def residual(function):
    return problem(conditions={"a": Condition(function, on=LINE.interior)})


def each(make, name, *values):
    return {f"{name}={value!r}": make(**{name: value}) for value in values}


def called(make, **arguments):
    return {f"{make.__name__} {k}={v!r}": lambda k=k, v=v: make(**{k: v}) for k, vs in arguments.items() for v in vs}


DOORS = {
    **each(refused_by_fit, "steps", -1, 1.5, "3", True, NAN),
    **each(refused_by_fit, "budget", 0, -1, NAN, INF, "x", True),
    **each(refused_by_fit, "target", 0, NAN, "x"),
    **each(refused_by_fit, "seed", -1, 1.5, None, 2**31, True),
    **each(refused_by_fit, "precision", "half", None, 64),
    **each(refused_by_fit, "points", 0, -3, 1.5, "9", True, {"pde": 0}, {"nope": 3}, {"pde": "x"}, 10**10),
    **each(refused_by_fit, "sampler", "none", 3, QuasiRandom),
    **each(refused_by_fit, "weights", {"pde": -1}, {"pde": NAN}, {"nope": 1.0}, {"pde": "x"}, {"pde": True}),
    **each(refused_by_fit, "weighting", "none", 3, NTKWeighting),
    **each(refused_by_fit, "width", 0, -1, 1.5, "x", True),
    **each(refused_by_fit, "depth", 0, 1.5, "x"),
    **each(refused_by_fit, "constraints", "exact", ["nope"], 3),
    **each(refused_by_fit, "callbacks", [3], [pinnkit.Callback]),
    **each(refused_by_fit, "strategy", "none", 3, None, optax.adam),
    **each(refused_by_fit, "choices", 3, None, Choices(random_features=False)),
    **each(refused_by_fit, "checkpoints", 3, True, ["a"]),
    **each(refused_by_fit, "resume", 3, Checkpoints("folder")),
    "resume elsewhere": refused_by_fit(resume="folder", checkpoints="other"),
    "model": lambda: fit(poisson(), 3),
    "model and width": lambda: fit(poisson(), MLP(LINE), width=3),
    "problem": lambda: fit("poisson"),  # pyright: ignore
    **called(Checkpoints, folder=[3, ""]),
    **{
        f"Checkpoints {k}={v!r}": lambda k=k, v=v: Checkpoints("x", **{k: v})
        for k, v in [
            ("every_seconds", 0),
            ("every_seconds", NAN),
            ("every_steps", 0),
            ("every_steps", 1.5),
            ("keep", 0),
        ]
    },
    **called(Box, x=[(1.0, 0.0), (0.0, 0.0), (NAN, 1.0), (0.0, INF), ("a", "b"), 3, (1, 2, 3), None]),
    "Box()": lambda: Box(),
    "Interval of two": lambda: Interval(x=(0, 1), y=(0, 1)),
    "boundary": lambda: LINE.boundary("z"),
    "start": lambda: PLANE.start("z"),
    **{
        f"PointSet {v!r}": lambda v=v: PointSet(v)
        for v in ({"x": []}, {"x": [NAN]}, {"x": "ab"}, {}, {"x": [[1, 2], [3, 4]]})
    },
    "PointSet outside": problem(conditions={"a": Condition(lambda u: u, on=PointSet({"x": [0.5, 5.0]}))}),
    **{
        f"reference {value}": lambda value=value: fit(
            Problem("p", LINE, poisson().conditions, reference=lambda x: np.where(x >= 0.0, value, x)),
            strategy="adam",
            steps=1,
        )
        for value in (NAN, math.inf)
    },
    "PointSet lengths": lambda: PointSet({"x": [1.0, 2.0]}, a=[1.0, 2.0, 3.0]),
    "Condition": lambda: Condition(3, on=LINE.interior),
    "Condition on": lambda: Condition(lambda u: u, on="x"),
    **each(problem, "name", "", "a b", "../x", "a/b", 3, None, "\0", ".."),
    **each(problem, "domain", 3, None),
    **each(problem, "conditions", {}, 3, None, {"a": 3}, {3: VALUE}, {"": VALUE}, [VALUE]),
    **each(problem, "fields", (), "u", ("u", "u"), {"u": 0}, {"u": 1.5}, {"u": True}, ("1u",), (3,), ("x",)),
    **each(problem, "coefficients", {"k": NAN}, {"k": "a"}, {"k": None}, {"x": 1.0}, {"1": 2.0}, 3, {"k": [1, 2]}),
    **each(problem, "reference", 3, lambda q: q),
    "unknown argument": residual(lambda u, q: u),
    "starred": residual(lambda *u: u),
    "nothing": residual(lambda u: None),
    "text": residual(lambda u: "x"),
    "branch": residual(lambda u, x: u if x > 0 else -u),
    "raises": residual(lambda u: 1 / 0),
    "matrix": residual(lambda u: jnp.ones((2, 2)) * u.value),
    "unknown derivative": residual(lambda u: u.z),
    "numpy": residual(lambda u: np.sin(u)),
    "empty": residual(lambda u: []),
    "complex": residual(lambda u: 1j * u.value),
    "normal inside": residual(lambda u, normal: u),
    **called(Unknown, initial=[NAN, "x", None, INF]),
    "Unknown positive": lambda: Unknown(-1.0, positive=True),
    "periodic order": lambda: pinnkit.periodic(LINE, "x", -1),
    "periodic coordinate": lambda: pinnkit.periodic(LINE, "z"),
    "periodic domain": lambda: pinnkit.periodic(3, "x"),  # pyright: ignore
    "with_coefficients": lambda: poisson().with_coefficients(q=1.0),
    **{
        f"MLP {k}={v!r}": lambda k=k, v=v: MLP(LINE, **{k: v})
        for k, v in [("outputs", 0), ("width", 0), ("depth", -1), ("seed", -1), ("activation", 3), ("embedding", 3)]
    },
    "MLP domain": lambda: MLP(3),  # pyright: ignore
    "ModifiedMLP": lambda: ModifiedMLP(LINE, width=-1),
    **{f"PirateNet {k}={v!r}": lambda k=k, v=v: PirateNet(LINE, **{k: v}) for k, v in [("blocks", 0), ("width", "x")]},
    **{
        f"Siren {k}={v!r}": lambda k=k, v=v: Siren(LINE, **{k: v})
        for k, v in [("frequency", NAN), ("frequency", "x"), ("trained_frequency", None), ("depth", 0)]
    },
    **{
        f"SeparableNetwork {k}={v!r}": lambda k=k, v=v: SeparableNetwork(PLANE, **{k: v})
        for k, v in [("rank", 0), ("embeddings", 3), ("embeddings", {"z": Rescale(LINE)}), ("embeddings", {"x": 3})]
    },
    **{
        f"factorize_weights {k}={v!r}": lambda k=k, v=v: factorize_weights(MLP(LINE), **{k: v})
        for k, v in [("mean", NAN), ("std", -1.0), ("seed", "x")]
    },
    "factorize_weights": lambda: factorize_weights(LINE),  # pyright: ignore
    "SineFeatures": lambda: SineFeatures(LINE, bandwidth=NAN),
    "SineFeatures periodic": lambda: SineFeatures(LINE, periodic=("z",)),
    "Periodic": lambda: Periodic(LINE, {"z": 1.0}),
    "Periodic length": lambda: Periodic(LINE, {"x": -1.0}),
    "FourierFeatures": lambda: FourierFeatures(Rescale(LINE), 0, 1.0),
    "FourierFeatures scale": lambda: FourierFeatures(Rescale(LINE), 3, NAN),
    **called(QuasiRandom, redraw=[0, 1.5, True]),
    **called(Uniform, redraw=["x"]),
    **called(ResidualAdaptive, redraw=[-1]),
    **called(NTKWeighting, every=[0, 1.5], momentum=[1.0, -0.1, NAN, "x"]),
    **called(QuantileWeighting, q=[1.0, -1.0], points=[0]),
    **called(CausalWeighting, slabs=[0], threshold=[2.0], tolerances=[(), (-1.0,)], base=["trace"]),
    **called(ReLoBRaLoWeighting, alpha=[1.5], temperature=[0.0], memory=[2.0]),
    **called(ConstantLearningRate, value=[0.0, -1.0, NAN, "x"]),
    **called(NTKLearningRate, safety=[0.0], window=[0]),
    "Strategy": lambda: Strategy("s", ()),
    "Strategy phases": lambda: Strategy("s", (3,)),  # pyright: ignore
    **{
        f"Phase {k}={v!r}": lambda k=k, v=v: Phase("p", **{"optimizer": optax.adam(1e-3), k: v})
        for k, v in [
            ("optimizer", 3),
            ("steps", -1),
            ("share", 2.0),
            ("check_every", 0),
            ("patience", -1),
            ("learning_rate", 1e-3),
            ("weighting", "trace"),
        ]
    },
    "gauss_newton": lambda: pinnkit.gauss_newton(-1.0),
    "levenberg_marquardt": lambda: pinnkit.levenberg_marquardt(NAN),
    "quasi_newton": lambda: pinnkit.quasi_newton("none"),
    "scale_by_soap": lambda: pinnkit.scale_by_soap(b1=1.0),
    **called(Choices, bandwidth=[0.0, "x"], random_features=["no"]),
    "load": lambda: pinnkit.load("nowhere", poisson()),
    "load a broken one": lambda: pinnkit.load("broken", poisson()),
    "diagnose": lambda: pinnkit.diagnose(poisson(), horizon=0),
    "sample_points": lambda: pinnkit.sample_points(poisson(), {"pde": np.ones((2, 3))}),
}
"""Invalid calls by name."""


@pytest.mark.parametrize("name", DOORS, ids=range(len(DOORS)))
def test_a_door(name):
    before = sorted(os.listdir("."))
    with pytest.raises((ValueError, TypeError)) as caught:
        DOORS[name]()
    text = str(caught.value)
    assert len(text) > 15 and len(text.splitlines()) == 1
    assert caught.traceback[-1].path.is_relative_to(Path(pinnkit.__file__).parent)
    assert sorted(os.listdir(".")) == before


def test_there_are_two_hundred():
    assert len(COMMAND_LINES) + len(DOORS) >= 200
