"""`pinnkit solve --seeds`: several runs, and one report of them."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._base.errors import InputError
from ..runs.stop_reason import StopReason
from .errors import FAILED, OK, fail

if TYPE_CHECKING:
    from ..runs.resume.checkpointing import Checkpoints
    from ..runs.run_folder import Run
    from ..solution.solution import Solution

PAGE = "seeds.html"
"""The report of all runs, in the folder that has theirs."""


def check_seeds(
    seeds: int | None, given: Mapping[str, Any], resume: bool, require: float | None, is_joined: bool
) -> None:
    """**Raises:** `InputError` for an invalid number of seeds, and for options of a single run."""
    if seeds is None:
        return
    if seeds < 1:
        raise InputError(f"`--seeds` is a number of seeds ≥ 1, got {seeds}")
    alone = {"--seed": "seed" in given, "--resume": resume, "--require": require is not None}
    alone |= {"--distributed` or `--coordinator": is_joined}
    if found := [flag for flag, is_given in alone.items() if is_given]:
        raise InputError(f"`--seeds` starts runs of its own; leave out `{found[0]}`")


def solve_seeds(
    solved: "Callable[[Checkpoints, int], Solution]", saving: "Checkpoints", seeds: int, quiet: bool, plain: bool
) -> int:
    """Solve with each seed, in a folder of its own inside that of `saving`, and report mean and spread.

    - `solved`: solves with a folder and a seed, and writes the run. An interrupted run is the last.

    **Returns:** the exit status.
    """
    from ..report.console import make_console
    from ..report.sweep_report import SweepReport

    folder = Path(saving.folder)
    runs: dict[str, Run] = {}
    for seed in range(seeds):
        name = f"seed-{seed}"
        runs[name] = solved(dataclasses.replace(saving, folder=folder / name), seed).run
        if runs[name].summary.stop_reason is StopReason.INTERRUPTED:
            break
    report = SweepReport(runs)
    page = report.save(folder / PAGE)
    if not quiet:
        report(make_console(plain=plain))
        print(f"written to {folder}; open {page}")
    broken = [name for name, run in runs.items() if run.summary.stop_reason is StopReason.NOT_FINITE]
    return fail(f"not finite: {', '.join(broken)}", FAILED) if broken else OK
