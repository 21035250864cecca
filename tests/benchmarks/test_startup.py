"""How long starting takes, as a share of the processor time of `import jax` on the same machine."""

import os
import resource
import subprocess
import sys
import time

import pytest

from ..cli.test_imports import COMMAND, QUICK
from ..report.synthetic import make_run

pytestmark = pytest.mark.benchmark

REPEATS = 3


def cpu_seconds(code, folder):
    """The least processor time of a few processes that run this code."""
    found = []
    for _ in range(REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(found)


@pytest.fixture(scope="module")
def import_jax(tmp_path_factory):
    return cpu_seconds("import jax", tmp_path_factory.mktemp("jax"))


@pytest.mark.parametrize("tokens", QUICK, ids=" ".join)
def test_commands_that_compute_nothing_take_less_than_half_of_it(tokens, import_jax, tmp_path):
    make_run().save(tmp_path / "run")
    taken = cpu_seconds(COMMAND.format(tokens=tokens), tmp_path)
    print(f"{' '.join(tokens)}: {taken:.2f} s, {taken / import_jax:.2f} of `import jax`, {import_jax:.2f} s")
    assert taken <= 0.46 * import_jax  # 0.6 s where it takes 1.3 s


def test_the_package_costs_a_fifth_more_at_most(import_jax, tmp_path):
    taken = cpu_seconds("import jax, pinnkit, pinnkit.ntk", tmp_path)
    print(f"import pinnkit: {taken - import_jax:.2f} s beyond `import jax`, {import_jax:.2f} s")
    assert taken <= 1.23 * import_jax  # 0.3 s of 1.3 s


def test_the_first_line_of_solve_comes_within_one_and_a_half(import_jax, tmp_path):
    """Wall time, to the first line that is read, against that of `import jax`."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import jax"], check=True, cwd=tmp_path)
    wall, began = time.perf_counter() - began, time.perf_counter()
    tokens = ["solve", "poisson_1d", "--strategy", "adam", "--steps", "1"]
    command = [sys.executable, "-c", COMMAND.format(tokens=tokens)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ) as process:
        assert process.stderr is not None
        line, taken = process.stderr.readline(), time.perf_counter() - began
        process.kill()
    print(f"first line after {taken:.2f} s, {taken / wall:.2f} of `import jax`: {line.rstrip()}")
    assert line.startswith("pinnkit ") and line.rstrip().endswith("· poisson_1d")
    assert taken <= 1.5 * wall
