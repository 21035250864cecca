"""What the machine says of itself."""

import sys

import jax


def peak_memory_bytes() -> int:
    """Of the accelerator where it tells, else the largest resident size of this process; 0 where neither is known."""
    if peak := (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use"):
        return peak
    try:
        import resource
    except ImportError:  # as on Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
