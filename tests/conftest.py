"""Shared by all tests: a persistent compilation cache, cheap compilation, double precision where a test asks for it."""

import os
import signal
from pathlib import Path

import jax
import pytest

jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache" / "jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

# commands that tests start write byte code, without which importing takes them two seconds more
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell has what it runs in the background ignore interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    """The default run compiles with few optimizations: compiling is most of its time. Slow tests and benchmarks run
    the programs that users run."""
    if not config.option.markexpr.startswith("not "):
        return
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # for the commands that tests start
    jax.config.update("jax_disable_most_optimizations", True)
    if jax.__version_info__[:2] == (0, 10):  # with the emitters that later versions have left behind, twice as fast
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false".strip()


@pytest.fixture
def x64():
    """Run a test in double precision, as the inside of `fit` does."""
    with jax.enable_x64(True):
        yield
