"""The kernel of a network's output by pinnkit, neural-tangents and Opifex, in time and memory.

    uv run python tests/benchmarks/kernel_peers.py [--points 1024 2000] [--dtypes float32 float64] [--rounds 3] ...

Prints one Markdown table for each number of points and precision. Every figure is of a process of its own that is
held on one core with one thread; the entries take turns, so that a change in the machine's load meets all of
them. All compute the kernel of the same tanh MLP on the same points. The peers' environments are made on first use
(a few minutes, `uv` and a package index) in `$PEERS_HOME`, by default `~/.cache/pinnkit-peers`; neural-tangents needs
Python 3.11, Opifex 3.12 or newer: a peer that cannot be had gets a row that says so. Half an hour or more in all.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHILDREN = Path(__file__).parent / "peers"
HOME = Path(os.environ.get("PEERS_HOME", Path.home() / ".cache" / "pinnkit-peers"))
LIMIT = 600  # seconds for one process


@dataclass(frozen=True)
class Program:
    """A program whose kernel is measured: its child script, entry points and, unless it is ours, environment.

    Of entries that are `alternatives` only the best counts, so slow ones are not repeated.
    """

    name: str
    child: str
    entries: tuple[str, ...]
    alternatives: bool = False
    most_points: int | None = None
    python: str = ""
    requirements: tuple[str, ...] = ()


IMPLEMENTATIONS = ("AUTO", "STRUCTURED_DERIVATIVES", "JACOBIAN_CONTRACTION", "NTK_VECTOR_PRODUCTS")

PROGRAMS = (
    Program("pinnkit", "pinnkit_ntk.py", ("compute_ntk", "compute_ntk+jit")),
    Program(
        "neural-tangents",
        "neural_tangents_ntk.py",
        tuple(name + vmap for vmap in ("+vmap", "") for name in IMPLEMENTATIONS),
        alternatives=True,
        most_points=1024,
        python="3.11",
        requirements=(
            *("neural-tangents==0.6.5", "jax==0.4.25", "jaxlib==0.4.25", "numpy==1.26.4", "scipy==1.12.0"),
            *("ml-dtypes==0.5.4", "tf2jax==0.3.6", "tensorflow==2.21.0"),
        ),
    ),
    Program(
        "Opifex",
        "opifex_ntk.py",
        ("diagnostics", "diagnostics+jit", "wrapper", "wrapper+jit"),
        python="3.12",
        requirements=("opifex==0.2.10", "jax==0.11.1", "jaxlib==0.11.1", "flax==0.12.12", "numpy==2.5.5"),
    ),
)


class Failed(Exception):
    """Something could not be run; the message is for the table."""


@dataclass
class Entry:
    """One entry point of one program, and its runs."""

    program: Program
    name: str
    runs: list[dict] = field(default_factory=list)
    failure: str = ""

    def median(self, key: str) -> float | None:
        values = [run[key] for run in self.runs if key in run]
        return statistics.median(values) if values else None


def run(command: list[str], **environment: str) -> str:
    """Standard output of a command; `Failed` with the last line it wrote to standard error."""
    try:
        done = subprocess.run(  # noqa: S603  commands are put together here, from constants and numbers
            command, capture_output=True, text=True, timeout=LIMIT, env={**os.environ, **environment}
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"took more than {LIMIT} s") from error
    if done.returncode < 0:
        raise Failed(f"ended by signal {-done.returncode}")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        line = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1])
        raise Failed(re.sub(r"\S*/\S*", "…", line.strip())[:200])  # without addresses and paths
    return done.stdout


def interpreter(version: str) -> str:
    """A Python of that version, or one that uv can find or get; pyenv hides those that are not its current one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def environment(program: Program) -> Path:
    """The interpreter of a program's environment, which is created if it is missing or its requirements changed."""
    if not program.requirements:
        return Path(sys.executable)
    folder = HOME / program.name.lower()
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join(program.requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    uv = shutil.which("uv")
    if uv is None:
        raise Failed("no uv to make its environment with")
    try:
        run([uv, "venv", "--clear", "--python", interpreter(program.python), str(folder)])
        run([uv, "pip", "install", "--python", str(python), *program.requirements])
    except Failed as failed:
        raise Failed(f"no environment with Python {program.python}: {failed}") from failed
    stamp.write_text(wanted)
    return python


def measure(entry: Entry, python: Path, network: tuple[int, int], points: int, dtype: str, core: int) -> dict:
    """One run of one entry, alone on one core."""
    taskset = shutil.which("taskset")
    face_value = [taskset, "-c", str(core)] if taskset else []
    numbers = [str(number) for number in (*network, points)]
    output = run(
        [*face_value, str(python), str(CHILDREN / entry.program.child), *numbers, dtype, entry.name],
        JAX_PLATFORMS="cpu",
        XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        TF_CPP_MIN_LOG_LEVEL="3",
    )
    return json.loads(output.strip().splitlines()[-1])


def contest(entries: list[Entry], pythons: dict[str, Path], rounds: int, *work) -> None:
    """All entries in turn, `rounds` times."""
    for number in range(rounds):
        for entry in entries:
            if entry.failure or (number and hopeless(entry, entries)):
                continue
            print(f"round {number + 1} of {rounds}: {entry.program.name} {entry.name}", file=sys.stderr)
            try:
                entry.runs.append(measure(entry, pythons[entry.program.name], *work))
            except Failed as failed:
                entry.failure = str(failed)


def hopeless(entry: Entry, entries: list[Entry]) -> bool:
    """Whether a better alternative took less than half as long."""
    return entry.program.alternatives and seconds(entry) > 2 * min(map(seconds, of_program(entries, entry.program)))


def of_program(entries: list[Entry], program: Program) -> list[Entry]:
    return [entry for entry in entries if entry.program is program]


def seconds(entry: Entry) -> float:
    value = entry.median("cpu_s")
    return float("inf") if value is None or entry.failure else value


def deviation(entry: Entry, reference: Entry) -> float | None:
    """Largest difference to the reference kernel on a sample of entries, relative to the largest of these."""
    if not entry.runs or not reference.runs:
        return None
    pairs = list(zip(entry.runs[0]["sample"], reference.runs[0]["sample"], strict=True))
    return max(abs(a - b) for a, b in pairs) / max(abs(b) for _, b in pairs)


def table(entries: list[Entry], dtype: str) -> Iterator[str]:
    """Rows with the best entry of each program in bold; ratios are of CPU seconds, to pinnkit's best in that dtype."""
    ours = [entry for entry in entries if entry.program is PROGRAMS[0]]
    in_dtype = [entry for entry in ours if entry.runs and entry.runs[0]["result_dtype"] == dtype]
    base = min(map(seconds, in_dtype), default=float("inf"))
    yield "| program | entry | kernel | rounds | warm s | CPU s | ÷ pinnkit | first s | peak MB | above start MB |" + (
        " XLA temporaries MB | 10⁹ multiply-adds | deviation |"
    )
    yield "|---|---|---|" + "---:|" * 10
    for entry in entries:
        best = entry.runs and seconds(entry) == min(map(seconds, of_program(entries, entry.program)))
        name = f"**{entry.name}**" if best else entry.name
        if entry.failure or not entry.runs:
            yield f"| {entry.program.name} | {name} | {entry.failure.replace('|', '/')} |" + " |" * 10
            continue
        peak, start = entry.median("peak_mb"), entry.median("base_mb")
        cells = [
            number(entry.median("wall_s"), ".3g"),
            number(entry.median("cpu_s"), ".3g"),
            number(seconds(entry) / base if 0 < base < float("inf") else None, ".2f"),
            number(entry.median("cold_s"), ".1f"),
            number(peak, ".0f"),
            number(peak - start, ".0f"),
            number(entry.median("temporary_mb"), ".0f"),
            number(entry.median("gmac"), ".2f"),
            number(deviation(entry, ours[0]), ".0e"),
        ]
        result = entry.runs[0]["result_dtype"]
        yield f"| {entry.program.name} | {name} | {result} | {len(entry.runs)} | {' | '.join(cells)} |"


def number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [program.name for program in PROGRAMS]
    parser.add_argument("--points", type=int, nargs="+", default=[1024, 2000])
    parser.add_argument("--dtypes", nargs="+", choices=("float32", "float64"), default=["float32", "float64"])
    parser.add_argument("--programs", nargs="+", choices=names, default=names, help="pinnkit is always among them")
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0, help="the core that every process is held on")
    parser.add_argument("--raw", type=Path, help="a file to append the single runs to, one line of JSON each")
    options = parser.parse_args()

    pythons, missing = {}, {}
    programs = [program for program in PROGRAMS if program is PROGRAMS[0] or program.name in options.programs]
    for program in programs:
        try:
            pythons[program.name] = environment(program)
        except Failed as failed:
            missing[program.name] = str(failed)
    print("One thread; medians. Deviation: from pinnkit's float64 kernel, relative. Ratios are of CPU seconds.\n")
    for points in options.points:
        for dtype in options.dtypes:
            entries = [
                Entry(program, name, failure=missing.get(program.name, ""))
                for program in programs
                if program.most_points is None or points <= program.most_points
                for name in program.entries
            ]
            work = ((options.depth, options.width), points, dtype, options.core)
            contest(entries, pythons, options.rounds, *work)
            print(f"**{options.depth}×{options.width} tanh, {points} points, models in {dtype}**\n")
            print("\n".join(table(entries, dtype)), end="\n\n", flush=True)
            if options.raw:
                with options.raw.open("a") as raw:
                    for entry in entries:
                        for result in entry.runs:
                            seen = {key: value for key, value in result.items() if key != "sample"}
                            names = {"program": entry.program.name, "entry": entry.name}
                            raw.write(json.dumps({**names, "points": points, "dtype": dtype, **seen}) + "\n")


if __name__ == "__main__":
    main()
