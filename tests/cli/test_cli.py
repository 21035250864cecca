"""The command line: what it passes on, one line for invalid input, exit statuses."""

import ast
import os
import subprocess
import sys
import types
from pathlib import Path

import jax
import msgspec
import numpy as np
import pytest

import pinnkit
from pinnkit import fitting as FIT
from pinnkit._base import origin
from pinnkit.cli.app import main
from pinnkit.cli.compilation_cache import CompilationCache
from pinnkit.runs.stop_reason import StopReason

from ..report.synthetic import make_record, make_run
from .conftest import PROBLEM


def error_of(capsys, *tokens, status=2):
    """The last line on standard error, the only one apart from the progress of `solve`."""
    assert main(tokens) == status
    out, err = capsys.readouterr()
    assert out == ""
    told = [line for line in err.splitlines(keepends=True) if line.startswith("pinnkit: ")]
    assert len(told) == 1 and err.endswith(told[0]) and ("--quiet" not in tokens or err == told[0])
    return told[0]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["solve"], "PROBLEM"),
        (["solve", "mine.py", "--stepz", "3"], "--stepz"),
        (["solve", "mine.py", "--steps", "x"], "'x'"),
        (["solve", "mine.py", "--steps", "1.5"], "'1.5'"),
        (["solve", "mine.py", "--budget", "long"], "is not a time such as 90, 90s, 2m or 1.5h"),
        (["solve", "mine.py", "--strategy", "ntk_adam"], "Did you mean 'ntk-adam'?"),
        (["solve", "mine.py", "--require", "0"], "`require` is a finite number > 0"),
        (["solve", "mine.py", "--precision", "half"], "double"),
        (["solve", "mine.py", "more"], "more"),
        (["nonsense"], "nonsense"),
        (["solve", "no_such_problem"], "there is no problem 'no_such_problem'"),
        (["solve", "none.py"], "there is no file 'none.py'"),
        (["solve", "mine.py", "--set", "nu"], "--set name number"),
        (["solve", "mine.py", "--set", "nu=x"], "--set name number"),
        (["solve", "mine.py", "--set", "mu=1"], "no coefficient(s) ['mu']; it has ['nu']"),
        (["solve", "mine.py", "--set", "nu=inf"], "must be finite"),
        (["solve", "mine.py", "--output", "mine.py"], "cannot write to the output folder 'mine.py'"),
        (["solve", "mine.py", "--strategy", "none"], "Choose one of auto"),
        (["solve", "mine.py", "--sampler", "none"], "Choose one of quasi-random, uniform"),
        (["solve", "mine.py", "--weighting", "none"], "Choose one of trace, largest"),
        (["solve", "mine.py", "--steps", "-1"], "`--steps` is a whole number"),
        (["solve", "mine.py", "--points", "0"], "got 0"),
        (["ntk", "mine.py", "--width", "0"], "width"),
        (["ntk", "mine.py", "--modes", "5"], "`--modes` and `--memory` go with `--all-points`"),
        (["ntk", "mine.py", "--all-points", "--modes", "0"], "`modes` is a number of eigenvalues of at least 1; got 0"),
        (["ntk", "mine.py", "--all-points", "--memory", "0"], "`memory` is a finite number of gigabytes > 0, got 0.0"),
        (["ntk", "mine.py", "--all-points", "--memory", "1e-6"], "does not hold a tile of"),
        (["ntk", "mine.py", "--all-points", "--seed", "-1"], "`--seed` is a whole number"),
        (["report", "nowhere"], "'nowhere' is not a run folder"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_status_2_and_leaves_no_folder(capsys, tokens, expected):
    assert expected in error_of(capsys, *tokens)
    assert not Path("runs").exists()


def test_debug_shows_where_an_error_came_from():
    with pytest.raises(pinnkit.ProblemError):
        main(["solve", "none.py", "--debug"])


def test_solve_passes_its_options_on(fitted, here, capsys):
    options = "--strategy adam --weighting rba --steps 5 --budget 2.5 --target 1e-9 --seed 3 --precision single"
    sizes = "--points 7 --sampler uniform --width 8 --depth 2 --set nu=0.02 --output out"
    assert main(["solve", "mine.py", *options.split(), *sizes.split()]) == 0
    (call,) = fitted.calls
    assert call.problem.constants == {"nu": 0.02}
    assert (call.strategy, call.weighting, call.steps, call.budget, call.target) == ("adam", "rba", 5, 2.5, 1e-9)
    assert (call.seed, call.precision, call.points, call.width, call.depth) == (3, "single", 7, 8, 2)
    assert call.sampler == "uniform"
    config = pinnkit.Run.load(here / "out").config
    assert config["command"] == f"pinnkit solve mine.py {options} {sizes}"
    assert "the report" in capsys.readouterr().out


def test_options_left_out_are_left_to_fit(fitted):
    main(["solve", "mine.py"])
    (call,) = fitted.calls
    assert (call.strategy, call.seed, call.precision) == ("auto", 0, "double")
    given = {"problem", "strategy", "seed", "precision", "callbacks", "checkpoints", "resume", "progress"}
    assert set(vars(call)) == given and call.resume is None


def test_without_an_output_folder_it_says_where_it_wrote(fitted, here, capsys):
    assert main(["solve", "mine.py"]) == 0
    assert (here / "runs" / "mine" / "summary.json").is_file()
    assert "written to runs/mine" in capsys.readouterr().out


def test_quiet_prints_nothing(fitted, capsys):
    assert main(["solve", "mine.py", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert [type(callback).__name__ for callback in fitted.calls[0].callbacks] == ["LiveFile"]


def test_a_reference_that_no_longer_holds_is_mentioned(fitted, capsys):
    text = PROBLEM.replace("lambda x: 0 * x", "lambda x, nu: nu * x")
    Path("with_nu.py").write_text(text)
    main(["solve", "with_nu.py", "--set", "nu=2", "--quiet"])
    assert capsys.readouterr().err == ""
    main(["solve", "mine.py", "--set", "nu=2", "--quiet"])
    assert "no reference for these coefficients" in capsys.readouterr().err


def test_values_that_are_not_finite_give_status_1_and_results(fitted, here, capsys):
    fitted.changes |= {"stop_reason": StopReason.NOT_FINITE, "stop_detail": "residual of condition 'pde' at step 7"}
    assert "condition 'pde' at step 7" in error_of(capsys, "solve", "mine.py", "--quiet", status=1)
    assert (here / "runs" / "mine" / "summary.json").is_file()


def test_an_interrupt_is_one_line_and_status_130(monkeypatch, capsys):
    def fit(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(FIT, "fit", fit)
    assert error_of(capsys, "solve", "mine.py", status=130) == "pinnkit: interrupted\n"


def test_a_report_is_read_again(here, capsys):
    make_run().save(here / "run")
    assert main(["report", "run"]) == 0
    assert "3.21e-07" in capsys.readouterr().out
    assert main(["report", "run", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["problem"] == "poisson_1d"
    assert main(["report", "run", "--html", "pages/page.html"]) == 0
    assert "<svg" in (here / "pages" / "page.html").read_text()


def test_the_spectrum_before_training_is_printed(monkeypatch, capsys):
    asked = {}
    monkeypatch.setattr(FIT, "diagnose", lambda problem, **options: asked.update(options) or make_record())
    assert main(["ntk", "mine.py", "--seed", "4", "--points", "9"]) == 0
    assert asked == {"seed": 4, "points": 9, "width": None, "depth": None}
    out = capsys.readouterr().out
    assert "mine before training: 64 residuals" in out
    assert "40 of 64" in out


def test_the_spectrum_of_all_points_says_how_it_was_found(capsys):
    assert main(["ntk", "mine.py", "--all-points", "--points", "9", "--width", "5", "--depth", "1"]) == 0
    out = capsys.readouterr().out
    assert "mine before training: 9 residuals, unit weights, seed 0" in out
    assert "all of 9 eigenvalues, from singular values of the Jacobian in float64" in out
    assert "numerical rank" in out and "noise floor" in out


def test_problems_are_listed_with_their_descriptions(monkeypatch, capsys):
    monkeypatch.setattr("pinnkit.equations.entries.problem_descriptions", lambda: {"mine": 30 * "word ", "x\x1b": "X"})
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["problems"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mine  word ") and lines[1].startswith("      word ") and "\x1b" not in lines[-1]
    assert max(map(len, lines)) <= 40


def test_the_doctor_checks_double_precision(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "works" in out and "jaxlib" in out and "cpu" in out


def test_help_and_version(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(command in out for command in ("solve", "report", "problems", "ntk", "doctor"))
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip()


def test_a_compilation_cache_that_cannot_be_written_is_left_off(monkeypatch, here):
    monkeypatch.setattr(jax, "config", types.SimpleNamespace(jax_compilation_cache_dir=None))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: str(here / "mine.py"))
    assert CompilationCache().enable() is None


CACHING = """
import jax, jax.numpy as jnp
from pinnkit.cli.compilation_cache import CompilationCache
print(CompilationCache({size}, 0.0).enable())
assert jax.config.jax_compilation_cache_max_size == {size}
for n in range({first}, {first} + 10):
    jax.jit(lambda x: jnp.cumsum(jnp.sin(x)))(jnp.ones(n))
"""


def test_the_compilation_cache_has_a_bound(here):
    """Programs that were not used for longest go, so that the folder never holds more than the bound."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX")}
    environment |= {
        "XDG_CACHE_HOME": str(here),
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(Path(pinnkit.__file__).parents[1]),
    }

    def cached(size, first):
        command = [sys.executable, "-c", CACHING.format(size=size, first=first)]
        folder = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
        return [path.stat().st_size for path in Path(folder).glob("*-cache")]

    everything = cached(2**30, 10)
    bound = sum(everything) // 3
    assert len(everything) >= 10 and 0 < sum(cached(bound, 30)) <= bound
    assert 0 < CompilationCache().most_bytes < 2**30


# Whose fault it is.


def test_an_error_within_pinnkit_is_called_a_bug_and_never_invalid_input(monkeypatch, capsys):
    """Whatever its type: none of these is an error of pinnkit's own."""
    monkeypatch.setattr(FIT, "find_ansatz", None)  # a TypeError where it is called
    text = error_of(capsys, "solve", "mine.py", "--quiet", status=1)
    assert text.startswith("pinnkit: error: this is a bug in pinnkit; please report it, with what `--debug` shows: ")
    assert text.endswith("TypeError: 'NoneType' object is not callable\n")
    monkeypatch.setattr(FIT, "find_ansatz", lambda *_, **__: np.zeros(2) + np.zeros(3))
    monkeypatch.setattr("pinnkit._base.origin._OURS", (*origin._OURS, str(Path(__file__).parent)))
    assert "this is a bug in pinnkit; " in error_of(capsys, "solve", "mine.py", "--quiet", status=1)
    with pytest.raises(ValueError, match="broadcast"):
        main(["--debug", "solve", "mine.py", "--quiet"])


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (pinnkit.InputError("no such thing"), "pinnkit: error: no such thing\n"),
        (pinnkit.RunFolderError("no such folder"), "pinnkit: error: no such folder\n"),
        (pinnkit.MissingPackageError("needs meshio"), "pinnkit: error: needs meshio\n"),
        (PermissionError(13, "Permission denied"), "pinnkit: error: [Errno 13] Permission denied\n"),
        (MemoryError("so many bytes"), "pinnkit: error: so many bytes\n"),
    ],
)
def test_errors_of_input_and_of_the_machine_are_one_line_and_status_2(monkeypatch, capsys, kind, told):
    def fit(*_, **__):
        raise kind

    monkeypatch.setattr(FIT, "fit", fit)
    assert error_of(capsys, "solve", "mine.py", "--quiet") == told


@pytest.mark.parametrize(
    ("changed", "line", "told"),
    [
        ("reference=lambda x: 1 / 0,", 9, "ZeroDivisionError: division by zero"),
        ("reference=lambda x: x[99999],", 9, "IndexError: index 99999 is out of bounds"),
        ("reference=lambda x: x + [1.0, 2.0, 3.0],", 9, "ValueError: operands could not be broadcast"),
    ],
)
def test_an_error_in_a_reference_is_told_with_its_file_and_line(here, capsys, changed, line, told):
    (here / "mine.py").write_text(PROBLEM.replace("reference=lambda x: 0 * x,", changed))
    text = error_of(capsys, "solve", "mine.py", "--steps", "1", "--quiet")
    assert text.startswith(f"pinnkit: error: mine.py, line {line}: {told}") and "this is a bug" not in text


@pytest.mark.parametrize("returned", ["'text'", "None", "[[1.0], [2.0, 3.0]]", "{'v': x}"])
def test_what_a_reference_cannot_return_is_refused(here, capsys, returned):
    (here / "mine.py").write_text(PROBLEM.replace("0 * x", returned))
    assert "the reference of problem 'mine' " in error_of(capsys, "solve", "mine.py", "--steps", "1", "--quiet")


def test_an_error_in_a_callback_is_that_of_the_callback(monkeypatch, capsys):
    from pinnkit.report import LiveFile

    monkeypatch.setattr(LiveFile, "start", lambda *_: {}["not there"])
    text = error_of(capsys, "solve", "mine.py", "--steps", "1", "--quiet")
    assert (
        f"{os.path.basename(__file__)}, line " in text
        and "KeyError: 'not there'" in text
        and "this is a bug" not in text
    )


def test_an_error_in_a_file_is_told_and_one_of_pinnkit_while_it_is_read_is_a_bug(here, monkeypatch, capsys):
    (here / "mine.py").write_text(PROBLEM + "\nx = 1 / 0\n")
    assert "line 12 cannot be read: ZeroDivisionError" in error_of(capsys, "solve", "mine.py")
    (here / "mine.py").write_text(PROBLEM)
    monkeypatch.setattr("pinnkit.equations.problem.Frame", None)
    assert "this is a bug in pinnkit; " in error_of(capsys, "solve", "mine.py", status=1)


def test_doors_raise_errors_of_pinnkit_only():
    """So that any other on the command line is a bug. Symbols outside an equation are one, and `named_arrays` reads
    what a damaged file may contain.
    """
    package = Path(pinnkit.__file__).parent
    found = {}
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                if node.exc.func.id in ("ValueError", "TypeError", "ImportError", "RuntimeError", "Exception"):
                    found.setdefault(path.relative_to(package).as_posix(), []).append(node.lineno)
    expected = {"equations/symbols.py": 1, "geometry/meshes/stl.py": 1, "runs/storage/named_arrays.py": 1}
    assert {name: len(lines) for name, lines in found.items()} == expected, found
