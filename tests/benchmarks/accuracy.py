"""How accurate every problem is solved and what it costs, beside published figures and our goals.

    uv run python -m tests.benchmarks.accuracy [PROBLEM ...] [--strategies auto ntk-adam] [--seeds 0 1 2]
        [--budget SECONDS] [--variants default deep] [--option width=30] [--output FILE.jsonl]
        [--markdown FILE.md] [--figure FILE.svg]

Each run has a process of its own and the seconds of one of its goals, unless `--budget` says otherwise. It is written
to the output as it ends. A run that stands there already is not repeated, so a table that was interrupted goes on where
it was; a new program wants a new file. `--retry` repeats those that failed. All problems take hours.
"""

import argparse
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Entry:
    """A problem, the relative L2 error we want within how many seconds, and what was published."""

    problem: str
    goals: dict[float, float]
    published: str = "–"
    coefficients: dict[str, float] = field(default_factory=dict)

    @property
    def label(self):
        settings = ",".join(f"{name}={value:g}" for name, value in self.coefficients.items())
        return f"{self.problem}:{settings}" if settings else self.problem


WAVES = {30: 1e-2, 60: 1e-4, 300: 1e-6}
MANY = {30: 1e-6, 60: 1e-9, 300: 1e-12}
ENTRIES = [
    Entry("poisson_1d", {10: 1e-9}, "4.4e-3 (tutorial of Opifex)"),
    Entry("poisson_2d", {30: 1e-9}, "2e-7 (ENGD)"),
    Entry("poisson_1d_multiscale", {30: 1e-6}),
    Entry("poisson_2d_multiscale", {30: 1e-5, 60: 1e-7}, "7.3e-6 in 600 s on H100 (DSGNAR)"),
    Entry("poisson_5d", MANY, "4.6e-4 (PINNacle)"),
    Entry("poisson_5d_cos", MANY, "3e-16 in 407 s on H100 (DSGNAR)"),
    Entry("poisson_10d", MANY, "6e-12 in 3,240 s (DSGNAR)"),
    Entry("helmholtz_2d", {60: 1e-7}, "2.0e-9† (SPRING), 4.2e-4† (SOAP)", {"a1": 1, "a2": 4}),
    Entry("helmholtz_2d", {60: 1e-5}, coefficients={"a1": 6, "a2": 6}),
    *(Entry(problem, {30: 1e-10}) for problem in ("laplace_annulus", "bratu_disk")),
    Entry("poisson_shell", {300: 1e-6}),
    *(Entry(problem, {60: 1e-8}) for problem in ("poisson_lshape", "torsion", "torsion_gear")),
    *(Entry(problem, {60: 1e-8}) for problem in ("layered_rod", "disk_in_square", "fuel_rod")),
    Entry("poisson_holes", {60: 1e-8}, "1.2e-2 (PINNacle)"),
    *(Entry(problem, {120: 1e-4}) for problem in ("kirsch", "wave_lshape")),
    Entry("wave_1d", {60: 1e-8}, "8e-6† (SOAP), 1.2e-5 (jaxpi2)"),
    Entry("convection", {60: 1e-8}, "4.3e-2 (jaxpi2)", {"beta": 30}),
    Entry("convection", {60: 1e-8}, "1.94e-3 (NNCG)", {"beta": 40}),
    Entry("convection", {60: 1e-8}, coefficients={"beta": 50}),
    Entry("advection", {120: 1e-5}, "6.9e-4 (with a trainable period)"),
    Entry("heat_multiscale", {120: 1e-5}, "4.4e-2 (PINNacle)"),
    Entry("heat_disk", {120: 1e-7}),
    Entry("stokes_cylinder", {300: 1e-4}),
    Entry("poisson_parametric", {300: 1e-6}),
    Entry("burgers_parametric", {300: 1e-3}),
    Entry("reaction", {60: 1e-7}, "9.9e-3 (NNCG)"),
    Entry("kovasznay", {120: 1e-7}, "1e-4 (Adam)"),
    Entry("burgers", {30: 1e-3, 60: 1e-4, 300: 1e-8}, "8.25e-9†, 1.6e-8 in 2,878 s, 4.0e-5 (SOAP, jaxpi2)"),
    Entry("burgers", {30: 1e-5, 60: 1e-7, 300: 1e-10}, "8e-14 in 346 s on H100 (DSGNAR)", {"nu": 0.01}),
    Entry("allen_cahn", {30: 2e-2, 60: 3e-3, 300: 1e-5}, "1.88e-6†, 4.0e-6 (jaxpi2)"),
    Entry("kdv", {30: 2e-2, 60: 3e-3, 300: 1e-6}, "8.2e-11 in 1,210 s on H100 (DSGNAR), 1.5e-4 (jaxpi2)"),
    Entry("kuramoto_sivashinsky", {300: 1e-5}),
    Entry("kuramoto_sivashinsky_chaotic", {300: 1e-2}, "5.1e-7 in 5,227 s on H100 (DSGNAR), 4.3e-3"),
    Entry("sine_gordon", WAVES),
    Entry("klein_gordon", WAVES),
    Entry("schroedinger", WAVES, "2e-3 (Raissi)"),
    Entry("robertson", {60: 1e-3, 300: 1e-6}),
    Entry("van_der_pol", {60: 1e-3, 300: 1e-6}),
    Entry("lorenz", {60: 1e-3, 300: 1e-6}),
    Entry("poeschl_teller", {60: 1e-6}),
    Entry("gray_scott", {300: 1e-2}, "3.6e-3"),
    Entry("lid_driven_cavity_smooth", {300: 1e-5}),
    Entry("lid_driven_cavity", {300: 1e-3}, "1.1e-4 in 403 s on H100 (DSGNAR)"),
    Entry("lid_driven_cavity", {300: 1e-2, 1200: 1e-3}, coefficients={"Re": 1000}),
]

VARIANTS = {
    "default": {},
    "deep": {"width": 20, "depth": 5},
    "soft conditions": {"constraints": "soft"},
    "one bandwidth": {"choices": {"bandwidth": 8.0}},
    "no windows": {"choices": {"time_windows": False}},
    "no output layer": {"choices": {"random_features": False}},
}
"""Name to keyword arguments of `pinnkit.fit`; an ablation is one more line."""

KEY = ("problem", "coefficients", "strategy", "options", "seed", "budget")
"""What tells one run from another."""


# One run, in a process of its own.


def check(jobs):
    """Refuse, before anything runs, what `fit` would not take."""
    import inspect

    from pinnkit import STRATEGIES, Choices, fit
    from pinnkit.equations.registry import find_problem

    known = set(inspect.signature(fit).parameters) - {"problem", "model", "strategy", "seed", "budget", "callbacks"}
    for job in jobs:
        if unknown := sorted(set(job["options"]) - known):
            raise ValueError(f"variant '{job['variant']}': `fit` has no option {unknown}; it has {sorted(known)}")
        Choices(**job["options"].get("choices", {}))
        if job["strategy"] not in STRATEGIES:
            raise ValueError(f"there is no strategy '{job['strategy']}'; there are {', '.join(STRATEGIES)}")
        find_problem(job["problem"]).with_coefficients(**job["coefficients"])


def measured(job):
    """The figures of one run."""
    import resource

    from pinnkit import Choices, StopReason, fit
    from pinnkit.equations.registry import find_problem

    cpu_seconds = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    problem = find_problem(job["problem"]).with_coefficients(**job["coefficients"])
    options = {**job["options"], "choices": Choices(**job["options"].get("choices", {}))}
    before = cpu_seconds()
    solution = fit(problem, strategy=job["strategy"], seed=job["seed"], budget=job["budget"], **options)
    spent, summary = cpu_seconds() - before, solution.summary
    error = max((summary.relative_l2 or {}).values(), default=math.nan)
    if summary.stop_reason is StopReason.NOT_FINITE or not math.isfinite(error):
        return {"failure": f"error {error:.1e}, stopped after {summary.steps} steps: {summary.ending}"}
    return {
        "relative_l2": error,
        "wall_s": summary.seconds.total,
        "cpu_s": spent,
        "steps": summary.steps,
        "peak_mb": summary.peak_memory_bytes / 1e6,
        "stop_reason": summary.stop_reason,
        "device": summary.device,
    }


def in_child(task, argument, timeout=None):
    """`task` of this file in a fresh interpreter. **Raises:** `RuntimeError` with its last words, `TimeoutExpired`."""
    command = [sys.executable, "-m", "tests.benchmarks.accuracy", "child", task]
    done = subprocess.run(  # noqa: S603
        command, input=json.dumps(argument), capture_output=True, text=True, cwd=ROOT, timeout=timeout, check=False
    )
    if done.returncode:
        last_words = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise RuntimeError(last_words[0])
    return json.loads(done.stdout.splitlines()[-1])


def measure_alone(job):
    """`measured` in a process of its own; whatever goes wrong is the result."""
    timeout = 2 * job["budget"] + 300
    try:
        return in_child("measured", job, timeout)
    except subprocess.TimeoutExpired:
        return {"failure": f"still running after {timeout:g} s"}
    except RuntimeError as error:
        return {"failure": str(error)}


# The table: which runs there are, and which are done.


def jobs_of(entries, strategies, variants, seeds, budget=None):
    return [
        {
            "problem": entry.problem,
            "coefficients": entry.coefficients,
            "strategy": strategy,
            "variant": variant,
            "options": options,
            "seed": seed,
            "budget": seconds,
        }
        for entry in entries
        for seconds in (entry.goals if budget is None else [budget])
        for strategy in strategies
        for variant, options in variants.items()
        for seed in seeds
    ]


def key(record):
    return json.dumps([record[name] for name in KEY], sort_keys=True)


def load(path):
    """The last record of each run; a line that was cut off when the machine went down is none."""
    records = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        records[key(record)] = record
    return records


def append(path, record):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        cut_off = file.seek(0, os.SEEK_END) and path.read_bytes()[-1:] != b"\n"
        file.write(b"\n" * bool(cut_off) + json.dumps(record).encode() + b"\n")


def run_table(jobs, path, measure=measure_alone, retry=False):
    """Run what `path` does not hold yet."""
    done = load(path)
    open_jobs = [job for job in jobs if key(job) not in done or (retry and "failure" in done[key(job)])]
    print(f"{len(jobs) - len(open_jobs)} of {len(jobs)} runs are in {path} already")
    if open_jobs and measure is measure_alone:
        in_child("check", open_jobs)
    for number, job in enumerate(open_jobs, 1):
        what = f"{entry_of(job).label}, {job['strategy']}, {job['variant']}, seed {job['seed']}, {job['budget']:g} s"
        print(f"[{number}/{len(open_jobs)}] {what}", end=": ", flush=True)
        record = {**job, **measure(job)}
        append(path, record)
        print(record.get("failure") or f"{record['relative_l2']:.1e} in {record['wall_s']:.1f} s", flush=True)


def entry_of(record):
    """The entry of a run; None if there is none any more."""
    wanted = record["problem"], record["coefficients"]
    return next((entry for entry in ENTRIES if (entry.problem, entry.coefficients) == wanted), None)


# The page.


def medians(records):
    """Rows of the table, medians over seeds. A failed run counts as one of infinite error."""
    groups = {}
    for record in records:
        names = ("problem", "coefficients", "strategy", "variant", "options", "budget")
        groups.setdefault(json.dumps([record[name] for name in names], sort_keys=True), []).append(record)
    rows = []
    for group in groups.values():
        good = [record for record in group if "failure" not in record]
        figures = ("wall_s", "cpu_s", "steps", "peak_mb")
        median = {name: statistics.median(r[name] for r in good) if good else None for name in figures}
        errors = [record.get("relative_l2", math.inf) for record in group]
        row = {name: group[0][name] for name in ("strategy", "variant", "budget")}
        row |= {"entry": entry_of(group[0]), "relative_l2": statistics.median(errors), "worst": max(errors), **median}
        rows.append({**row, "runs": len(group), "failed": len(group) - len(good)})
    return sorted(rows, key=lambda row: (ENTRIES.index(row["entry"]), row["budget"]))


HEADER = (
    "problem",
    "strategy",
    "budget s",
    "relative L2",
    "wall s",
    "CPU s",
    "steps",
    "memory MB",
    "seeds",
    "goal",
    "met",
    "published",
)


def cells(row):
    entry, is_solved = row["entry"], math.isfinite(row["relative_l2"])
    number = lambda name, form: "–" if row[name] is None else format(row[name], form)
    goal = entry.goals.get(row["budget"])
    is_met = goal is not None and row["worst"] <= goal
    worst = f" ({row['worst']:.1e})" if row["runs"] > 1 else ""
    return (
        entry.label,
        row["strategy"] if row["variant"] == "default" else f"{row['strategy']}, {row['variant']}",
        f"{row['budget']:g}",
        f"{row['relative_l2']:.1e}{worst}" if is_solved else "failed",
        number("wall_s", ".1f"),
        number("cpu_s", ".1f"),
        number("steps", ".0f"),
        number("peak_mb", ".0f"),
        f"{row['runs']}, {row['failed']} failed" if row["failed"] else str(row["runs"]),
        "–" if goal is None else f"{goal:.0e}",
        "–" if goal is None else "yes" if is_met else "no",
        entry.published,
    )


def draw(records, path):
    """Error against wall time of the automatic strategy: one line for each problem with several budgets."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
    rows = [row for row in medians(records) if row["strategy"] == "auto" and row["variant"] == "default"]
    for entry in dict.fromkeys(row["entry"].label for row in rows):
        own = [row for row in rows if row["entry"].label == entry and math.isfinite(row["relative_l2"])]
        if len(own) > 1:
            ax.loglog([row["wall_s"] for row in own], [row["relative_l2"] for row in own], marker="o", label=entry)
    ax.set(xlabel="wall seconds", ylabel="relative L2 error")
    ax.legend(fontsize="small", ncols=2)
    figure.savefig(path)


def page(records, words, figure=None):
    """The table as a page of Markdown; `words` made it, and `figure` is a path relative to the page."""
    records = [record for record in records if entry_of(record)]
    lines = [HEADER, ("---",) * len(HEADER), *map(cells, medians(records))]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    devices = sorted({record["device"] for record in records if "device" in record})
    what = lambda r: f"{entry_of(r).label}, {r['strategy']}, {r['variant']}, seed {r['seed']}"
    failures = [f"- {what(r)}: {r['failure']}\n" for r in records if "failure" in r]
    chart = f"![Error against wall time, medians over seeds]({figure})\n\n" if figure else ""
    return f"""# Accuracy

The built-in problems, solved without tuning. The table is the output of

```bash
{shlex.join(["uv", "run", "python", "-m", "tests.benchmarks.accuracy", *words])}
```

on {" and ".join(devices) or "no device"}. Each run has its own process. Entries are medians over seeds: the relative
L2 error on the test grid, the largest one if there are several fields, with that of the worst seed in parentheses; wall
and CPU seconds in `pinnkit.fit`, including compilation and the reference; steps; the peak memory of the process. A goal
is met if all seeds meet it. A run that failed counts as an infinite error. Published errors are those of neural
solvers; those with † are quoted by other authors.

Rows for more seeds, other strategies and ablations appear if the results file has them, from runs with `--seeds`,
`--strategies` and `--variants`. "Soft conditions" keeps all conditions in the loss, "one bandwidth" uses 8 radians per
half width for all coordinates, "no windows" uses one network for the whole time interval, and "no output layer" skips
the random features: a deep network is trained by Gauss-Newton with weights from the kernel. Strategy `gauss-newton` has
unit weights and points that do not depend on the residual, `ntk-adam` has no Gauss-Newton steps, and `adam` has neither
weights nor a learning rate from the kernel.

{chart}{table}
{f"{chr(10)}Runs that failed:{chr(10)}{chr(10)}{''.join(failures)}" if failures else ""}"""


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", help="names, or names with coefficients such as convection:beta=40")
    parser.add_argument("--strategies", nargs="+", default=["auto"])
    parser.add_argument("--variants", nargs="+", default=["default"], choices=VARIANTS)
    parser.add_argument("--option", action="append", default=[], help="NAME=VALUE, an argument of fit for all runs")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--budget", type=float, help="seconds of each run instead of those of its goal")
    parser.add_argument("--output", type=Path, default=Path("runs/accuracy.jsonl"))
    parser.add_argument("--markdown", type=Path, help="write the table of all runs in the output as a page")
    parser.add_argument("--figure", type=Path, help="draw error against wall time of all runs in the output")
    parser.add_argument("--retry", action="store_true", help="repeat runs that failed")
    arguments = parser.parse_args(words)
    labels = [word for entry in ENTRIES for word in (entry.problem, entry.label)]
    if unknown := sorted(set(arguments.problems) - set(labels)):
        parser.error(f"there is no entry {', '.join(unknown)}; there are {', '.join(dict.fromkeys(labels))}")
    entries = [e for e in ENTRIES if not arguments.problems or {e.problem, e.label} & set(arguments.problems)]
    extra = dict(map(_option, arguments.option))
    named = lambda name: " ".join([name, *arguments.option]).removeprefix("default ")
    variants = {named(name): {**VARIANTS[name], **extra} for name in arguments.variants}
    jobs = jobs_of(entries, arguments.strategies, variants, arguments.seeds, arguments.budget)
    try:
        run_table(jobs, arguments.output, retry=arguments.retry)
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here")
        return 130
    except RuntimeError as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 2
    finally:
        if arguments.markdown:
            figure = arguments.figure and os.path.relpath(arguments.figure, arguments.markdown.parent)
            arguments.markdown.write_text(page(load(arguments.output).values(), words, figure))
        if arguments.figure:
            draw([record for record in load(arguments.output).values() if entry_of(record)], arguments.figure)
    return 0


def _option(text):
    """`width=30` → ("width", 30); what is not JSON is a string."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        print(json.dumps({"check": check, "measured": measured}[sys.argv[2]](json.load(sys.stdin))))
    else:
        sys.exit(main(sys.argv[1:]))
