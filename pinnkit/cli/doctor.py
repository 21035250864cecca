"""`pinnkit doctor`: versions and devices."""

from importlib.metadata import PackageNotFoundError, version

from .compilation_cache import CompilationCache
from .errors import FAILED, OK


def installed_version(package: str = "pinnkit") -> str:
    """The version of a package, or that it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def doctor() -> int:
    """Show versions and devices, and check that double precision works."""
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
        ("devices", ", ".join(f"{d.platform}: {d.device_kind}" for d in jax.devices())),
        ("double precision", "works" if has_double else "does not work: kernels will not be resolved"),
        ("compilation cache", CompilationCache().enable() or "off: its folder cannot be written"),
    ]
    print_table(Table("Doctor", ("", "found"), rows))
    return OK if has_double else FAILED
