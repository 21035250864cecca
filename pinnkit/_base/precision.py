"""The precision in which matrices are multiplied."""

import contextlib
from collections.abc import Generator

import jax


@contextlib.contextmanager
def full_precision() -> Generator[None, None, None]:
    """Within this context, products of matrices have the precision of their entries.

    By default accelerators round entries in single precision to fewer digits first (TF32 keeps ten bits), which
    derivatives and residuals near zero do not survive.
    """
    with jax.default_matmul_precision("highest"):
        yield
