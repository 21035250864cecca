"""`pinnkit doctor`: versions, devices and the machine."""

import os
import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from .compilation_cache import CompilationCache
from .errors import FAILED, OK

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "XLA_FLAGS")
"""Variables that limit the threads of matrix products."""


def installed_version(package: str = "pinnkit") -> str:
    """The version of a package, or that it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def doctor() -> int:
    """Show versions, devices and the machine, and check that double precision works."""
    import platform

    import jax
    import jax.numpy as jnp

    from ..report.console import print_table
    from ..report.tables import Table
    from ..runs.resume.fingerprint import PACKAGES

    with jax.enable_x64(True):
        has_double = float(jnp.float64(1.0) + 1e-12 - 1.0) > 0
    rows = [
        ("python", f"{platform.python_version()} on {platform.platform()}"),
        *((package, installed_version(package)) for package in PACKAGES),
        *(("extra " + extra, text) for extra, text in extras().items()),
        ("cores", cores()),
        ("memory", memory()),
        ("BLAS threads", ", ".join(f"{k}={os.environ[k]}" for k in THREADS if k in os.environ) or "not limited"),
        ("devices", ", ".join(f"{d.platform}: {d.device_kind}" for d in jax.devices())),
        ("a fit uses", used()),
        ("driver", driver(jax.devices()[0])),
        ("double precision", "works" if has_double else "does not work: kernels will not be resolved"),
        ("compilation cache", CompilationCache().enable() or "off: its folder cannot be written"),
    ]
    print_table(Table("Doctor", ("", "found"), rows))
    return OK if has_double else FAILED


def cores() -> str:
    """The processor cores that this process may use, and those of the machine."""
    whole = os.cpu_count() or 1
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else whole
    return f"{own} of {whole}"


def memory() -> str:
    """The free and the whole memory of the machine, as far as the system says."""
    if not hasattr(os, "sysconf"):
        return "unknown"
    page = os.sysconf("SC_PAGE_SIZE")
    free, whole = (page * os.sysconf(name) / 2**30 for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"))
    return f"{free:.1f} GiB free of {whole:.1f} GiB"


def used() -> str:
    """What a fit uses if no number of devices is given."""
    import jax

    count, kind = jax.device_count(), jax.devices()[0].platform
    algebra = "LAPACK on the host" if kind == "cpu" else "LAPACK on the host for small matrices, else the device"
    points = f"{count} devices, which share the points" if count > 1 else f"1 device ({kind})"
    return f"{points}; linear algebra: {algebra}" if count == 1 else f"{points}; linear algebra where they are"


def driver(device: Any) -> str:
    """The version of the platform of an accelerator, on one line."""
    text = " ".join(str(getattr(device.client, "platform_version", "")).split())
    return text if device.platform != "cpu" and text else "no accelerator in use"


def extras() -> dict[str, str]:
    """The packages of each extra with their versions."""
    found = dict[str, list[str]]()
    for line in requires("pinnkit") or []:
        match = re.search(r"^([\w.-]+).*extra == ['\"](\w+)['\"]", line)
        if match is not None:
            found.setdefault(match[2], []).append(f"{match[1]} {installed_version(match[1])}")
    return {extra: ", ".join(packages) for extra, packages in found.items()}
