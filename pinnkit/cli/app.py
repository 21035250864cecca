"""The command line.

Errors are one line on standard error. Those of `errors`, which tell what was wrong with what was asked for, have exit
status 2, and so have those in somebody's own code, with file and line; any other is a bug of pinnkit, is called one,
and has status 1. What only some commands need is imported by those.
"""

import contextlib
import dataclasses
import io
import os
import shlex
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import platformdirs
from cyclopts import App, CycloptsError, Parameter

from .._base.errors import InputError, PinnkitError

if TYPE_CHECKING:
    from ..equations.problem import Problem
    from ..runs.storage.manifest import Manifest
    from ..runs.summary import Summary


WRITING = 3.0
"""Seconds of a budget that are kept for writing the run and its report."""

OK, FAILED, USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141

CACHED_BYTES = 2**28
"""Most that compiled programs may take on disk, 256 MiB: those not used for longest go."""

WORTH_CACHING = 0.05
"""Seconds from which on a compilation is kept; each entry costs a look at all others."""


def _whole(hint: Any, tokens: Sequence[Any]) -> int:
    return int(tokens[0].value)  # cyclopts would round 1.5


Whole = Annotated[int, Parameter(converter=_whole)]

Count = Annotated[int | None, Parameter(converter=_whole)]

Settings = Annotated[list[str] | None, Parameter("--set", negative=())]


def _version(package: str = "pinnkit") -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


app = App(
    name="pinnkit",
    help="Solve differential equations with neural networks, the neural tangent kernel in the training loop.",
    version=_version,
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
)


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process. **Returns:** the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without λ is no reason to fail
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        status = app.meta(list(sys.argv[1:] if tokens is None else tokens))
    return OK if status is None else status


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    debug: Annotated[bool, Parameter(negative=())] = False,
) -> int | None:
    """Run one command.

    Parameters
    ----------
    debug
        Show where an error came from.
    """
    try:
        command, bound, extra = app.parse_args(tokens)
        line = {"line": shlex.join(["pinnkit", *tokens])} if "line" in extra else {}
        status = command(*bound.args, **bound.kwargs, **line)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # who read has gone: nothing more to say, and nobody to say it to
        _silence(sys.stdout)
        return BROKEN_PIPE
    except KeyboardInterrupt as error:
        return _fail(str(error) or "interrupted", INTERRUPTED)
    except SystemExit as error:  # a signal came
        return _fail(str(error), error.code if isinstance(error.code, int) else FAILED)
    except Exception as error:
        if debug:
            raise
        return _explain(error)


@app.command
def solve(
    problem: str,
    /,
    *,
    output: Path | None = None,
    strategy: str | None = None,
    weighting: str | None = None,
    steps: Count = None,
    budget: float | None = None,
    target: float | None = None,
    seed: Count = None,
    precision: Literal["double", "single"] | None = None,
    points: Count = None,
    sampler: str | None = None,
    conditions: Literal["exact", "soft"] | None = None,
    width: Count = None,
    depth: Count = None,
    coefficients: Settings = None,
    resume: Annotated[bool, Parameter(negative=())] = False,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    checkpoint_seconds: float = 60.0,
    checkpoint_steps: Count = None,
    checkpoint_keep: Whole = 3,
    quiet: Annotated[bool, Parameter(negative=())] = False,
    plain: Annotated[bool, Parameter(negative=())] = False,
    line: Annotated[str, Parameter(parse=False)],
) -> int:
    """Train a network on a problem, print the report and write the run folder.

    Parameters
    ----------
    problem
        A name (see `pinnkit problems`), `module:name`, `file.py` or `file.py:name`.
    output
        Folder for the run; `runs/` and the problem's name by default.
    strategy
        auto (the default), adam, ntk-adam, soap, gradient-descent, gauss-newton, ssbroyden, bfgs or lbfgs.
    weighting
        Rule for the loss weights in place of the strategy's: trace, largest-eigenvalue, quantile, residual,
        gradient-norm, relobralo, rba, pointwise or causal.
    steps
        Stop after so many steps.
    budget
        Stop after so many seconds, with the report written.
    target
        Stop when the loss on validation points is no larger.
    seed
        Of the network, the points and everything else that is random; 0 by default.
    precision
        Double by default; single is for first-order training on accelerators.
    points
        Points of the interior conditions; others get a share.
    sampler
        quasi-random, uniform, residual-adaptive or kernel-guided; by default that of the strategy.
    conditions
        exact satisfies by construction what allows it, soft nothing; exact by default.
    width
        Size of the hidden layers.
    depth
        Number of hidden layers.
    coefficients
        Another value of a coefficient, as in `--set nu=0.02`; may be repeated.
    resume
        Go on from the newest intact checkpoint in the folder, or begin where there is none; settings that are not given
        are those of that run. A run that is finished is left as it is.
    overwrite
        Begin anew where the folder holds an unfinished run.
    checkpoint_seconds
        Seconds between two checkpoints.
    checkpoint_steps
        Steps between two checkpoints, besides.
    checkpoint_keep
        How many checkpoints are kept, the newest.
    quiet
        Print nothing but errors.
    plain
        Print lines without colours, and no live display, on a terminal too.
    """
    began = time.monotonic()
    declared = _find(problem, coefficients)
    folder = Path("runs") / declared.name if output is None else output
    from ..fit import fit
    from ..report.console import make_console
    from ..report.live import LiveFile
    from ..report.progress import ConsoleProgress
    from ..runs.resume.checkpointing import Checkpoints
    from ..runs.resume.restore import check_same, saved
    from ..runs.storage.atomic_files import check_writable
    from ..runs.storage.lock import locked

    if resume and overwrite:
        raise InputError("`--resume` goes on with a run, `--overwrite` begins anew: give one of them")
    options = {
        "strategy": strategy,
        "weighting": weighting,
        "steps": steps,
        "budget": budget,
        "target": target,
        "seed": seed,
        "precision": precision,
        "points": points,
        "sampler": sampler,
        "conditions": conditions,
        "width": width,
        "depth": depth,
    }
    given = {name: value for name, value in options.items() if value is not None}
    settings = {"strategy": "auto", "seed": 0, "precision": "double"}
    if resume and (before := saved(folder)) is not None:
        if (summary := _finished(folder, before)) is not None:
            check_same(folder, before, declared, given)
            if not quiet:
                print(f"finished: {summary.ending}; `pinnkit report {folder}` prints the run in '{folder}'")
            return _status(summary)
        settings |= {k: v for k, v in before.settings.items() if k in options and v is not None}
    settings |= given
    saving = Checkpoints(folder, checkpoint_seconds, checkpoint_steps, checkpoint_keep, overwrite)
    check_writable(folder)
    _cache_compilations()
    with contextlib.ExitStack() as stack:
        stack.enter_context(locked(folder))
        live = stack.enter_context(contextlib.closing(LiveFile(folder)))
        live.closing_seconds = WRITING + time.monotonic() - began
        progress = None if quiet else stack.enter_context(ConsoleProgress(plain=plain))
        callbacks = [live] if progress is None else [live, progress]
        solution = fit(declared, **settings, callbacks=callbacks, checkpoints=saving, resume=folder if resume else None)
        solution.run = dataclasses.replace(solution.run, config={"command": line, **solution.run.config})
        solution.save(folder)
    if not quiet:
        solution.report(make_console(plain=plain))
        print(f"\nwritten to {folder}; open {folder / 'report.html'}")
    return _status(solution.run.summary)


@app.command
def report(
    folder: Path,
    /,
    *,
    json: Annotated[bool, Parameter(negative=())] = False,
    html: Path | None = None,
    show: Annotated[bool, Parameter("--open", negative=())] = False,
) -> None:
    """Print the report of a run folder.

    Parameters
    ----------
    folder
        What `solve` wrote.
    json
        Print the figures, the verdict and the findings as JSON instead.
    html
        Write the page with pictures to this file instead.
    show
        Open the page in a browser; it is written to the folder, or to the file of `--html`.
    """
    from ..report.report import Report, write_page
    from ..runs.run_folder import Run

    result = Report(Run.load(folder))
    if html is not None or show:
        _written(write_page(result.html(), folder / "report.html" if html is None else html), show)
    if json:
        print(result.json())
    elif html is None and not show:
        result()


@app.command
def compare(
    *folders: Path,
    html: Path | None = None,
    show: Annotated[bool, Parameter("--open", negative=())] = False,
) -> None:
    """Print the figures of two runs or more side by side.

    Parameters
    ----------
    folders
        Run folders.
    html
        Write a page with the curves over each other to this file instead.
    show
        Open that page in a browser; without `--html` it is `comparison.html`.
    """
    from ..report.comparison import Comparison

    comparison = Comparison.load(list(folders))
    if html is None and not show:
        comparison()
    else:
        _written(comparison.save(Path("comparison.html") if html is None else html), show)


@app.command
def watch(
    folder: Path,
    /,
    *,
    every: float = 1.0,
    plain: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Follow a fit that runs in another terminal.

    Parameters
    ----------
    folder
        Where it will write its run.
    every
        Seconds between two looks.
    plain
        Print lines without colours, and no live display, on a terminal too.
    """
    if not 0 < every < float("inf"):
        raise InputError(f"`every` is a finite number of seconds > 0, got {every}")
    from ..report.live import watch as follow
    from ..report.progress import ConsoleProgress

    print(follow(folder, ConsoleProgress(plain=plain), every))


@app.command
def problems() -> None:
    """List the problems that can be solved by name."""
    from ..equations.registry import find_problem, problem_names
    from ..report.console import print_table
    from ..report.tables import Table

    rows = []
    for name in problem_names():
        try:
            rows.append((name, *_described(find_problem(name))))
        except PinnkitError as error:
            rows.append((name, _in_one_line(error), "", "", ""))
    header = ("problem", "fields", "conditions", "coefficients", "reference")
    print_table(Table("Problems", header, rows))


@app.command
def ntk(
    problem: str,
    /,
    *,
    seed: Whole = 0,
    points: Count = None,
    width: Count = None,
    depth: Count = None,
    coefficients: Settings = None,
    all_points: Annotated[bool, Parameter(name="--all-points", negative=())] = False,
    modes: Count = None,
    memory: float | None = None,
) -> None:
    """Print the spectrum of the training kernel before training.

    Parameters
    ----------
    problem
        As for `solve`.
    seed
        Of the network and the points.
    points
        Points of the interior conditions; others get a share.
    width
        Size of the hidden layers.
    depth
        Number of hidden layers.
    coefficients
        Another value of a coefficient, as in `--set nu=0.02`; may be repeated.
    all_points
        Take the spectrum of all points, by the way that fits, instead of the record of up to 384 residuals.
    modes
        With `--all-points`: leading eigenvalues where not all can be had, 20 by default.
    memory
        With `--all-points`: gigabytes that may be used, 2 by default.
    """
    if not all_points and (modes, memory) != (None, None):
        raise InputError("`--modes` and `--memory` go with `--all-points`")
    declared = _find(problem, coefficients)
    from ..fit import diagnose
    from ..report.console import print_diagnostics

    _cache_compilations()
    if all_points:
        from .._base.device import MEMORY
        from ..diagnostics.problem_kernel import training_spectrum
        from ..networks.default import default_network

        if memory is not None and not 0 < memory < float("inf"):
            raise InputError(f"`memory` is a finite number of gigabytes > 0, got {memory}")
        spectrum = training_spectrum(
            declared,
            default_network(declared.domain, sum(declared.field_sizes.values()), width, depth, seed),
            points,
            modes=20 if modes is None else modes,
            seed=seed,
            memory=MEMORY if memory is None else int(memory * 1e9),
        )
        print(f"{declared.name} before training: {spectrum.size} residuals, unit weights, seed {seed}\n\n{spectrum}")
        return
    record = diagnose(declared, seed=seed, points=points, width=width, depth=depth)
    print(f"{declared.name} before training: {record.modes} residuals, unit weights, seed {seed}\n")
    print_diagnostics(record)


@app.command
def doctor() -> int:
    """Show versions and devices, and check that double precision works."""
    import platform

    import jax
    import jax.numpy as jnp

    from ..report.console import print_table
    from ..report.tables import Table
    from ..runs.resume.fingerprint import PACKAGES

    with jax.enable_x64(True):
        has_double = float(jnp.float64(1.0) + 1e-12 - 1.0) > 0
    rows = [
        ("python", f"{platform.python_version()} on {platform.platform()}"),
        *((package, _version(package)) for package in PACKAGES),
        ("devices", ", ".join(f"{d.platform}: {d.device_kind}" for d in jax.devices())),
        ("double precision", "works" if has_double else "does not work: kernels will not be resolved"),
        ("compilation cache", _cache_compilations() or "off: its folder cannot be written"),
    ]
    print_table(Table("Doctor", ("", "found"), rows))
    return OK if has_double else FAILED


def _written(path: Path, show: bool) -> None:
    """Say where a page is, and open it where asked to."""
    import webbrowser

    print(f"written to {path}")
    if show and not webbrowser.open(path.resolve().as_uri()):
        raise InputError(f"no browser was found to open '{path}'; open it yourself")


def _finished(folder: Path, manifest: "Manifest") -> "Summary | None":
    """The figures of the run whose newest checkpoint has this manifest, if it is over and its results are written."""
    from ..runs.run_folder import Run
    from ..runs.storage.atomic_files import RunFolderError
    from ..runs.storage.checkpoint_folder import newest_intact
    from ..runs.storage.manifest import MANIFEST

    if not manifest.finished:
        return None
    try:
        run = Run.load(folder)
        saved_at = (newest_intact(folder)[0] / MANIFEST).stat().st_mtime
        is_older = (folder / "summary.json").stat().st_mtime < saved_at  # results of another run
    except (RunFolderError, OSError):
        return None
    return None if is_older or run.summary.steps != manifest.step else run.summary


def _status(summary: "Summary") -> int:
    from ..runs.stop_reason import StopReason

    return _fail(f"stopped: {summary.ending}", FAILED) if summary.stop_reason is StopReason.NOT_FINITE else OK


def _find(spec: str, settings: Sequence[str] | None) -> "Problem":
    """The problem, with the coefficients set on the command line."""
    from ..equations.registry import find_problem

    problem, values = find_problem(spec), dict(map(_setting, settings or ()))
    changed = problem.with_coefficients(**values)
    if problem.reference is not None and changed.reference is None:
        print("pinnkit: note: no reference for these coefficients, so errors are unknown", file=sys.stderr)
    return changed


def _setting(text: str) -> tuple[str, float]:
    name, separator, value = text.partition("=")
    try:
        return name, float(value if separator else "")
    except ValueError:
        raise InputError(f"a coefficient is set as `--set name=number`, got '{text}'") from None


def _described(problem: "Problem") -> tuple[str, ...]:
    coordinates = ", ".join(problem.domain.coordinates)
    return (
        ", ".join(f"{name}({coordinates})" for name in problem.field_sizes),
        ", ".join(problem.conditions),
        ", ".join([*(f"{k} = {v:.4g}" for k, v in problem.constants.items()), *(f"{k} = ?" for k in problem.unknowns)]),
        "no" if problem.reference is None else "yes",
    )


def _cache_compilations() -> str | None:
    """Keep compiled programs between runs, unless the user has said where. **Returns:** the folder, None without."""
    import jax

    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    config: Any = jax.config  # whose attributes are made at run time
    folder: str | None = config.jax_compilation_cache_dir
    if folder is None:
        own = Path(platformdirs.user_cache_dir("pinnkit")) / "compiled"
        with contextlib.suppress(OSError):
            own.mkdir(parents=True, exist_ok=True)
        if not (own.is_dir() and os.access(own, os.W_OK)):
            return None
        folder = str(own)
        config.update("jax_compilation_cache_dir", folder)
        config.update("jax_compilation_cache_max_size", CACHED_BYTES)
        config.update("jax_persistent_cache_min_compile_time_secs", WORTH_CACHING)
    return folder


def _explain(error: Exception) -> int:
    """An error in one line: of what was asked for, of somebody's own code, or of pinnkit. **Returns:** the status."""
    if _is_of_input(error):
        return _fail(f"error: {_in_one_line(error)}", USAGE)
    from .._base.origin import origin_of

    origin, text = origin_of(error), f"{type(error).__name__}: {_in_one_line(error)}"
    if origin is not None and not origin.is_ours:
        return _fail(f"error: {origin}: {text}; with `--debug` it is shown where that came from", USAGE)
    advice = "this is a bug in pinnkit; please report it, with what `--debug` shows"
    return _fail(f"error: {advice}: {text}", FAILED)


def _is_of_input(error: Exception) -> bool:
    """Whether an error tells of invalid input, or that the machine has no room or permission for what was asked for."""
    if isinstance(error, CycloptsError | PinnkitError | MemoryError | OSError):
        return True
    return type(error).__name__ == "JaxRuntimeError" and "RESOURCE_EXHAUSTED" in str(error)


def _show_warning(message: Any, category: type[Warning], *where: Any, **options: Any) -> None:
    """One line on standard error."""
    print(f"pinnkit: warning: {_printable(_in_one_line(message))}", file=sys.stderr)


def _silence(stream: Any) -> None:
    """Send what is still written nowhere, so that the interpreter does not complain at its end."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _printable(text: str) -> str:
    from ..report.numbers import printable

    return printable(text)


def _in_one_line(error: Any) -> str:
    if isinstance(error, CycloptsError):
        error.verbose = False
    return " ".join(str(error).split()) or type(error).__name__


def _fail(message: str, status: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        print(f"pinnkit: {_printable(message)}", file=sys.stderr, flush=True)
    return status
