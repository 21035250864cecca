"""The records of the gallery: built-in problems are solved, each in a process of its own.

    uv run python docs/gallery.py [PROBLEM ...] [--budget SECONDS] [--seed SEED] [--force]

By default all problems, with 60 s each. A problem whose record is of the same source, budget, seed and version of
pinnkit is skipped, so an interrupted series goes on where it was. A problem that fails does not stop the others; the
exit status is 1 if one did. Writes `docs/gallery/NAME.json`, `NAME.webp` and `NAME-small.webp`, from which the pages
of the gallery are made when the site is built.
"""

import argparse
import functools
import hashlib
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[1]
RECORDS, UNFINISHED = ROOT / "docs" / "gallery", ROOT / ".cache" / "gallery"
BUDGET = 60.0
MOST_BYTES, WIDTHS = 40_000, (1100, 420)
"""Largest size of a picture, and the largest widths of it and of the small one, in pixels."""


class Coefficient(msgspec.Struct, frozen=True):
    """An unknown coefficient: what was found, its 95 % interval or why there is none, and the true value if known."""

    value: float
    interval: tuple[float, float] | str | None
    true: float | None


class Record(msgspec.Struct, frozen=True):
    """One run: `errors` are relative L2 errors by field; `fingerprint` is that of the source of the problem."""

    problem: str
    fingerprint: str
    pinnkit_version: str
    budget: float
    seed: int
    machine: str
    strategy: str
    grade: str
    verdict: str
    seconds: float
    errors: dict[str, float]
    validation_loss: float
    coefficients: dict[str, Coefficient]


def load(name: str) -> Record | None:
    """The record of a problem; None without one."""
    path = RECORDS / f"{name}.json"
    return msgspec.json.decode(path.read_bytes(), type=Record) if path.exists() else None


@functools.cache
def source_of(name: str) -> Path:
    """The file of a problem."""
    from pinnkit.equations.entries import entries

    spec = importlib.util.find_spec(entries()[name].module)
    assert spec is not None and spec.origin is not None  # noqa: S101  an installed problem
    return Path(spec.origin)


def fingerprint(name: str) -> str:
    """A hash of the source of a problem and of the data files that it names."""
    source = source_of(name)
    text = source.read_text(encoding="utf-8")
    data = [path for path in sorted(source.parent.glob("*.*")) if path.suffix != ".py" and path.name in text]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in [source, *data])).hexdigest()[:16]


# One problem, in a process of its own.


def solve(name: str, budget: float, seed: int, folder: Path) -> None:
    """Solve a problem, and write its record and pictures to a folder."""
    import pinnkit
    from pinnkit.equations.registry import find_problem
    from pinnkit.report.verdict import grade

    solution = pinnkit.fit(find_problem(name), budget=budget, seed=seed)
    summary = solution.summary
    record = Record(
        problem=name,
        fingerprint=fingerprint(name),
        pinnkit_version=summary.pinnkit_version,
        budget=budget,
        seed=seed,
        machine=f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), {summary.device}",
        strategy=summary.strategy,
        grade=grade(solution.run).value,
        verdict=solution.report.verdict,
        seconds=summary.seconds.total,
        errors=summary.relative_l2 or {},
        validation_loss=summary.validation_loss,
        coefficients=_coefficients(name, solution),
    )
    (folder / f"{name}.json").write_text(json.dumps(msgspec.to_builtins(record), indent=2) + "\n", encoding="utf-8")
    _draw(solution, folder / name)


def _coefficients(name: str, solution: Any) -> dict[str, Coefficient]:
    from pinnkit.equations.entries import entries

    true = getattr(importlib.import_module(entries()[name].module), "true_coefficients", {})
    summary, found = solution.summary, dict[str, Coefficient]()
    for coefficient in solution.problem.unknowns:
        interval = summary.coefficient_intervals.get(coefficient)
        shown = interval if interval is None or isinstance(interval, tuple) else interval.value
        found[coefficient] = Coefficient(summary.coefficients[coefficient], shown, true.get(coefficient))
    return found


def _draw(solution: Any, path: Path) -> None:
    """The picture of a solution, and a small one of its first field, without ticks."""
    domain = solution.problem.domain
    names, middle = domain.coordinates, (domain.lower + domain.upper) / 2
    fixed = {} if len(names) <= 3 else {name: float(middle[i]) for i, name in enumerate(names) if i > 1}
    figure = solution.plot(**fixed).figure
    _save(figure, Path(f"{path}.webp"), None, WIDTHS[0])
    figure.set_layout_engine("none")  # that of the picture just drawn
    panels = [ax for ax in figure.axes if ax.get_title()]
    row = [ax for ax in panels if abs(ax.get_position().y1 - panels[0].get_position().y1) < 0.01]
    shown = row[len(row) // 2]
    if legend := shown.get_legend():
        legend.remove()
    panel = shown.get_window_extent().transformed(figure.dpi_scale_trans.inverted()).padded(0.02)
    _save(figure, Path(f"{path}-small.webp"), panel, WIDTHS[1])


def _save(figure: Any, path: Path, box: Any, width: int) -> None:
    """Write a figure, or a part of it, as WebP of some width at most, with the best quality that is small enough."""
    import matplotlib as mpl
    from PIL import Image

    from pinnkit.drawing.style import STYLE

    with mpl.rc_context(STYLE), tempfile.TemporaryFile() as file:
        figure.savefig(file, format="png", dpi=200, bbox_inches=box)
        image = Image.open(file).convert("RGB")
    image.thumbnail((width, 4 * width), Image.Resampling.LANCZOS)
    for quality in (90, 80, 70, 60, 50, 40, 30, 20, 10):
        image.save(path, quality=quality, method=6)
        if path.stat().st_size <= MOST_BYTES:
            return


# All problems, one after the other.


def is_current(name: str, budget: float, seed: int) -> bool:
    """Whether a record is of the same source, budget, seed and version of pinnkit."""
    from importlib.metadata import version

    record = load(name)
    wanted = (fingerprint(name), version("pinnkit"), budget, seed)
    return record is not None and (record.fingerprint, record.pinnkit_version, record.budget, record.seed) == wanted


def solve_alone(name: str, budget: float, seed: int) -> str:
    """Solve a problem in a process of its own; its files are replaced once all are written.

    **Returns:** the outcome in one line. **Raises:** `RuntimeError` with the last line of a process that failed.
    """
    for place in (RECORDS, UNFINISHED):
        place.mkdir(parents=True, exist_ok=True)
    limit = 3 * budget + 300
    with tempfile.TemporaryDirectory(dir=UNFINISHED) as folder:
        command = [sys.executable, __file__, name, "--budget", str(budget), "--seed", str(seed), "--into", folder]
        child = subprocess.Popen(  # noqa: S603  this script
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            _, said = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"still running after {limit:g} s") from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if child.returncode:
            raise RuntimeError((said.strip().splitlines() or [f"exit status {child.returncode}"])[-1])
        for file in sorted(Path(folder).iterdir(), key=lambda file: file.suffix, reverse=True):  # the record last
            file.replace(RECORDS / file.name)
    record = load(name)
    assert record is not None  # noqa: S101  it was written
    return record.verdict


def main() -> int:
    from pinnkit.equations.entries import entries
    from pinnkit.equations.mistakes import ProblemError
    from pinnkit.equations.registry import check_problem

    known = sorted(name for name, entry in entries().items() if entry.module.startswith("pinnkit.problems."))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", default=known)
    parser.add_argument("--budget", type=float, default=BUDGET)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--force", action="store_true", help="solve again what has a record")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        for name in given.problems:
            check_problem(name)
    except ProblemError as error:
        parser.error(str(error))
    if given.into is not None:
        solve(given.problems[0], given.budget, given.seed, given.into)
        return 0
    failed = list[str]()
    for number, name in enumerate(given.problems, 1):
        print(f"[{number}/{len(given.problems)}] {name}: ", end="", flush=True)
        if not given.force and is_current(name, given.budget, given.seed):
            print("up to date", flush=True)
            continue
        try:
            print(solve_alone(name, given.budget, given.seed), flush=True)
        except RuntimeError as error:
            failed.append(name)
            print(f"FAILED: {error}", flush=True)
    if failed:
        print(f"failed: {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
