"""Memory of the machine."""

import sys

import jax

MEMORY = 2**31
"""Default limit for the matrices of one computation, 2 GiB."""


def has_accelerator() -> bool:
    """Whether arrays are on something else than the processor by default."""
    return jax.default_backend() != "cpu"


def peak_memory_bytes() -> int:
    """Peak memory of the accelerator if it is known, else the largest resident size of this process, else 0."""
    if peak := (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use"):
        return peak
    try:
        import resource
    except ImportError:  # as on Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
