"""`pinnkit solve`: train, print the report, write the run folder."""

import contextlib
import dataclasses
import importlib
import math
import threading
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .._base.arguments import check_positive
from .._base.errors import InputError
from ..equations.registry import check_problem
from ..request import Request, check_limits
from ..runs.stop_reason import StopReason
from .compilation_cache import CompilationCache
from .distributed import ALONE, Joining
from .errors import FAILED, INACCURATE, OK, fail
from .options import (
    CHECKPOINTS,
    OUTPUT,
    RUN,
    STOP,
    Coefficients,
    Continuation,
    Count,
    Full,
    Plain,
    ProblemName,
    Whole,
    check_names,
    continued,
    find,
    flag,
    with_settings,
)
from .seeds import check_seeds, solve_seeds

if TYPE_CHECKING:
    from ..equations.problem import Problem
    from ..report.progress import ConsoleProgress
    from ..runs.callbacks import Callback
    from ..runs.resume.checkpointing import Checkpoints
    from ..runs.storage.manifest import Manifest
    from ..runs.summary import Summary
    from ..solution.solution import Solution

WRITING = 2.0
"""Seconds of a budget that are reserved for writing the run and its report, with matplotlib imported."""

Output = Annotated[
    Path | None,
    Parameter(("--output", "-o"), group=RUN, help="Run folder; `runs/` and the name of the problem by default."),
]

Resume = Annotated[bool, flag("Resume an unfinished run in the folder, with its settings if none are given.", RUN)]

Overwrite = Annotated[bool, flag("Start over, discarding an unfinished run in the folder.", RUN)]

Seeds = Annotated[
    Count,
    Parameter(group=RUN, help="Solve with so many random seeds, from 0 on, and report mean and spread."),
]

Require = Annotated[
    float | None,
    Parameter(group=STOP, help="Exit with status 3 if the error (without reference: validation loss) is larger."),
]

StepsBetween = Annotated[Count, Parameter(group=CHECKPOINTS, help="Steps between two checkpoints, in addition.")]

RECORDED = ("strategy", "seed", "precision")
"""Settings that are passed to `fit` even if they have their default values."""


@with_settings
def solve(
    problem: ProblemName,
    /,
    *,
    output: Output = None,
    coefficients: Coefficients = None,
    continuation: Continuation = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    require: Require = None,
    seeds: Seeds = None,
    checkpoint_seconds: Annotated[float, Parameter(group=CHECKPOINTS, help="Seconds between two checkpoints.")] = 60.0,
    checkpoint_steps: StepsBetween = None,
    checkpoint_keep: Annotated[Whole, Parameter(group=CHECKPOINTS, help="Number of checkpoints to keep.")] = 3,
    joining: Annotated[Joining, Parameter(name="*")] = ALONE,
    full: Full = False,
    quiet: Annotated[bool, flag("Print errors only.", OUTPUT, ("--quiet", "-q"))] = False,
    plain: Plain = False,
    line: Annotated[str, Parameter(parse=False)],
    **settings: Any,
) -> int:
    """Train a network on a problem, print the report and write the run folder.

    As in

    pinnkit solve burgers --set nu 0.02 --budget 2m

    pinnkit solve cavity.py --strategy ntk-adam --learning-rate 1e-3 --steps 1e4 -o runs/cavity

    pinnkit solve wave_1d --require 1e-3 -q && echo accurate
    """
    began = time.monotonic() - time.process_time()  # the start of the command belongs to its budget
    given = {name: value for name, value in settings.items() if value is not None}
    passed = continued(continuation or ())
    _check(given, resume and overwrite, require)
    check_seeds(seeds, given, resume, require, joining != ALONE)
    check_problem(problem)
    quiet |= not joining.join()
    with contextlib.ExitStack() as stack:
        progress = None if quiet else stack.enter_context(_progress(problem, plain))
        declared = find(problem, [*(coefficients or ()), *(f"{name}={values[-1]}" for name, values in passed.items())])
        folder = Path("runs") / declared.name if output is None else output
        before = _before(folder) if resume else None
        if before is not None and (summary := _finished(folder, before)) is not None:
            _check_same(folder, before, declared, given)
            if not quiet:
                print(f"finished: {summary.ending}; `pinnkit report {folder}` prints the run in '{folder}'")
            return _status(summary, require)
        options = {**_defaults(), **({} if before is None else _known(before.settings)), **given}
        options |= {"continuation": passed} if passed else {}
        from ..runs.resume.checkpointing import Checkpoints

        saving = Checkpoints(folder, checkpoint_seconds, checkpoint_steps, checkpoint_keep, overwrite)
        if seeds is not None:
            one = lambda saving, seed: _solved(declared, {**options, "seed": seed}, saving, False, progress, None, line)
            return solve_seeds(one, saving, seeds, quiet, plain)
        solution = _solved(declared, options, saving, resume, progress, began, line)
    if not quiet:
        _print(solution, folder, full, plain)
    return _status(solution.run.summary, require)


def _print(solution: "Solution", folder: Path, full: bool, plain: bool) -> None:
    from ..report.console import make_console

    solution.report(make_console(plain=plain), full)
    rest = "" if full else f"; `pinnkit report {folder} --full` prints all tables"
    print(f"\nwritten to {folder}; open {folder / 'report.html'}{rest}")


def _check(given: Mapping[str, Any], both: bool, require: float | None) -> None:
    """**Raises:** `InputError` for invalid settings, before anything slow.

    - `both`: whether a run is to be resumed and discarded.
    """
    if both:
        raise InputError("`--resume` continues a run, `--overwrite` discards it: give one of them")
    check_names(given)
    check_limits(given.get("steps"), given.get("budget"), given.get("target"))
    if require is not None:
        check_positive(require=require)


def _progress(problem: str, plain: bool) -> "ConsoleProgress":
    """The display, with its first line printed."""
    from ..report.progress import ConsoleProgress

    progress = ConsoleProgress(plain=plain)
    progress.headline(f"pinnkit {version('pinnkit')} · {problem}")
    progress.activity("importing JAX and the problem")
    return progress


def _solved(
    problem: "Problem",
    options: Mapping[str, Any],
    saving: "Checkpoints",
    resume: bool,
    progress: "ConsoleProgress | None",
    began: float | None,
    line: str,
) -> "Solution":
    """The solution, which is saved in the run folder.

    - `began`: when the command began, if the time since then belongs to the budget.
    """
    import jax

    from ..fitting import fit
    from ..report.live import LiveFile
    from ..runs.storage.atomic_files import check_writable
    from ..runs.storage.lock import locked

    folder = Path(saving.folder)
    resumed = folder if resume else None
    CompilationCache().enable()
    if jax.process_index() > 0:
        return fit(problem, **options, checkpoints=saving, resume=resumed, progress=False)
    check_writable(folder)
    threading.Thread(target=_prepare_report, daemon=True).start()
    with locked(folder), contextlib.closing(LiveFile(folder)) as live:
        live.closing_seconds = WRITING + (0.0 if began is None else time.monotonic() - began)
        callbacks: list[Callback] = [live] if progress is None else [live, progress]
        solution = fit(problem, **options, callbacks=callbacks, checkpoints=saving, resume=resumed, progress=False)
        solution.run = dataclasses.replace(solution.run, config={"command": line, **solution.run.config})
        solution.save(folder)
    return solution


def _prepare_report() -> None:
    """Import matplotlib while programs compile; the import that fails here is repeated where the report is made."""
    with contextlib.suppress(Exception):
        importlib.import_module("pinnkit.report.html")


def _defaults() -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(Request) if field.name in RECORDED}


def _known(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The options among the settings of an earlier run."""
    options = {"continuation", *(field.name for field in dataclasses.fields(Request) if field.metadata)}
    return {name: value for name, value in settings.items() if name in options and value is not None}


def _before(folder: Path) -> "Manifest | None":
    """The manifest of the newest checkpoint in a folder."""
    from ..runs.resume.restore import saved

    return saved(folder)


def _check_same(folder: Path, manifest: "Manifest", problem: "Problem", given: Mapping[str, Any]) -> None:
    from ..runs.resume.restore import check_same

    check_same(folder, manifest, problem, given)


def _finished(folder: Path, manifest: "Manifest") -> "Summary | None":
    """The summary of the run with this newest manifest, if it is finished and its results are written."""
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


def _status(summary: "Summary", require: float | None) -> int:
    """The exit status of a run, by its errors or, without a reference, by its validation loss."""
    if summary.stop_reason is StopReason.NOT_FINITE:
        return fail(f"stopped: {summary.ending}", FAILED)
    if require is None:
        return OK
    kind, figures = "relative L2 error", summary.relative_l2 or summary.max_error
    if not figures:
        kind, figures = "validation loss", {"": summary.validation_loss}
    name, worst = max(figures.items(), key=lambda item: math.inf if math.isnan(item[1]) else item[1])
    if worst <= require:
        return OK
    of_field = f" of {name}" if name else ""
    return fail(f"the {kind}{of_field} is {worst:.3g}, more than the {require:.3g} of `--require`", INACCURATE)
