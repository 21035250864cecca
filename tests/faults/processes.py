"""Fits in processes, and when to break them."""

import functools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from .worker import ended

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}


def begin(*arguments, **options):
    """A worker that has started."""
    command = [sys.executable, "-m", "tests.faults.worker", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT, cwd=ROOT, **options)


def finish(process, status=0):
    """What a worker that ends by itself says at its end, and what it writes on standard error."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == status, err
    return json.loads(out.splitlines()[-1]), err


@functools.cache
def undisturbed(kind):
    """The sum of a fit of this kind that nobody broke and that saved nothing, in this process."""
    return ended(kind)["sum"]


def wait_until(condition, process, limit=120.0):
    """Look every fifth of a millisecond; False where the process ends before."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        if condition():
            return True
        if process.poll() is not None:
            return False
        time.sleep(2e-4)
    raise AssertionError("nothing happened")


def is_writing(folder):
    """Whether a checkpoint is being written."""
    try:
        return any(name.startswith(".writing-") for name in os.listdir(folder / "checkpoints"))
    except FileNotFoundError:
        return False


def names(folder):
    """The checkpoints that are complete."""
    try:
        return {name for name in os.listdir(folder / "checkpoints") if not name.startswith(".")}
    except FileNotFoundError:
        return set()
