"""Shared by all tests: a persistent compilation cache, double precision where a test asks for it."""

from pathlib import Path

import jax
import pytest

jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache" / "jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


@pytest.fixture
def x64():
    """Run a test in double precision, as the inside of `fit` does."""
    with jax.enable_x64(True):
        yield
