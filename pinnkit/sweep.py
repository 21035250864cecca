"""Several fits of one problem: with other seeds, and with other coefficients."""

import csv
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from ._base.arguments import is_whole
from ._base.devices import devices_of
from ._base.errors import InputError
from ._base.numbers import number
from .equations.problem import Problem
from .fitting import fit
from .runs.stop_reason import StopReason
from .solution.solution import Solution

if TYPE_CHECKING:
    from .report.sweep_report import SweepReport

OF_ONE_FOLDER = ("checkpoints", "resume", "seed")
"""Arguments of `fit` that several fits cannot share."""


class Member(NamedTuple):
    """One fit of a sweep."""

    coefficients: dict[str, float]
    seed: int
    solution: Solution


class Sweep(Sequence[Member]):
    """The fits of `fit_many`, in order; those with the same coefficients differ by their seeds.

    - `table`: a row for each fit: coefficients, seed, relative L2 errors, validation loss, steps, seconds, stop reason;
    - `report`: mean and spread in words, tables and a page;
    - `mean(figure)`, `spread(figure)`: of a column of numbers over the seeds, one entry for each set of coefficients;
      the spread is the standard deviation, with n − 1 in the denominator, and NaN for one seed.
    """

    def __init__(self, members: Sequence[Member]):
        self._members = list(members)

    def __getitem__(self, index: Any) -> Any:
        return self._members[index]

    def __len__(self) -> int:
        return len(self._members)

    @property
    def table(self) -> dict[str, list[Any]]:
        rows = [_row(member) for member in self._members]
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}

    @property
    def coefficients(self) -> list[dict[str, float]]:
        """The sets of coefficients, each once."""
        return list({tuple(member.coefficients.items()): member.coefficients for member in self._members}.values())

    def mean(self, figure: str = "validation_loss") -> list[float]:
        return [float(np.mean(values)) for values in self._groups(figure)]

    def spread(self, figure: str = "validation_loss") -> list[float]:
        return [float(np.std(values, ddof=1)) if len(values) > 1 else float("nan") for values in self._groups(figure)]

    @property
    def report(self) -> "SweepReport":
        """The report of all fits: `report()` prints mean and spread, `report.save(path)` writes a page.

        **Raises:** `InputError` if they have different coefficients.
        """
        from .report.sweep_report import SweepReport

        return SweepReport({f"seed {member.seed}": member.solution.run for member in self._members})

    def to_csv(self, path: str | Path) -> Path:
        """Write the table, which is read back exactly. **Raises:** `OSError`."""
        path, table = Path(path), self.table
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(table)
            out.writerows(zip(*table.values(), strict=True))
        return path

    def __repr__(self) -> str:
        """Mean and spread over the seeds, a line for each set of coefficients."""
        figures = [name for name in self.table if name.startswith("relative_l2")] or ["validation_loss"]
        lines = [f"{len(self)} fits"]
        for i, given in enumerate(self.coefficients):
            named = ", ".join(f"{name} = {value:.6g}" for name, value in given.items()) or "all seeds"
            told = (f"{name} {number(self.mean(name)[i])} ± {number(self.spread(name)[i])}" for name in figures)
            lines.append(f"  {named}: {', '.join(told)}")
        return "\n".join(lines)

    def _groups(self, figure: str) -> list[list[float]]:
        """The values of a figure for each set of coefficients."""
        known = [name for name, column in self.table.items() if not isinstance(column[0], str)]
        if figure not in known:
            raise InputError(f"a sweep has no figure '{figure}'; there are {', '.join(known)}")
        return [
            [_row(member)[figure] for member in self._members if member.coefficients == given]
            for given in self.coefficients
        ]


def fit_many(
    problem: Problem,
    *,
    seeds: int | Sequence[int] = 1,
    coefficients: Sequence[Mapping[str, float]] = ({},),
    **options: Any,
) -> Sweep:
    """Solve a problem several times, as in `fit_many(problem, seeds=5, coefficients=[{"nu": 0.01}, {"nu": 0.02}])`.

    - `seeds`: a number of random seeds, 0, 1, ..., or the seeds themselves, for every set of coefficients;
    - `coefficients`: values that replace those of the problem, see `Problem.with_coefficients`;
    - `options`: arguments of `fit`. A fit that is interrupted is the last one. Each fit uses one device, and as many
      run at a time as there are `devices`.

    **Raises:** as `fit`; `InputError` for invalid seeds and for arguments that several fits cannot share.
    """
    listed = list(range(seeds)) if isinstance(seeds, int) and not isinstance(seeds, bool) else seeds
    if isinstance(listed, bool | str) or not listed or not all(is_whole(seed, 0) for seed in listed):
        raise InputError(f"`seeds` is a number of seeds ≥ 1 or a list of whole numbers ≥ 0, got {seeds!r}")
    if shared := [name for name in OF_ONE_FOLDER if name in options]:
        raise InputError(f"several fits cannot share `{shared[0]}`; call `fit` for each")
    variants = [(dict(values), problem.with_coefficients(**values)) for values in coefficients]
    wanted = [(given, int(seed), variant) for given, variant in variants for seed in listed]
    places = [device for device in devices_of(options.pop("devices", None)) if device in jax.local_devices()]
    one = lambda device, seed, variant: fit(variant, seed=seed, devices=[device], **options)
    members = list[Member]()
    for (given, seed, _), solution in zip(wanted, _spread(one, wanted, places), strict=False):
        members.append(Member(given, seed, solution))
        if solution.summary.stop_reason is StopReason.INTERRUPTED:
            break
    return Sweep(members)


def _spread(
    one: Callable[[Any, int, Problem], Solution],
    wanted: Sequence[tuple[dict[str, float], int, Problem]],
    places: Sequence[Any],
) -> Iterator[Solution]:
    """The solutions in order, as many at a time as there are devices."""
    if len(places) == 1:
        yield from (one(places[0], seed, variant) for _, seed, variant in wanted)
        return
    free = queue.SimpleQueue[Any]()
    for place in places:
        free.put(place)

    def on_a_free_one(seed: int, variant: Problem) -> Solution:
        place = free.get()
        try:
            return one(place, seed, variant)
        finally:
            free.put(place)

    with ThreadPoolExecutor(len(places), "pinnkit-fit") as pool:
        tasks = [pool.submit(on_a_free_one, seed, variant) for _, seed, variant in wanted]
        try:
            for task in tasks:
                yield task.result()
        finally:
            for task in tasks:
                task.cancel()


def _row(member: Member) -> dict[str, Any]:
    s = member.solution.summary
    errors = {f"relative_l2_{name}": value for name, value in (s.relative_l2 or {}).items()}
    last = {"steps": s.steps, "seconds": s.seconds.total, "stop_reason": str(s.stop_reason)}
    return {**s.coefficients, "seed": member.seed, **errors, "validation_loss": s.validation_loss, **last}
