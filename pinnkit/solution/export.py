"""A solution as a file for other programs."""

from pathlib import Path

import jax
import numpy as np

from .._base.errors import InputError, MissingPackageError
from .._base.precision import full_precision
from .._base.types import Params
from ..residuals.functions import ResidualFunctions
from ..runs.storage.atomic_files import write_files
from .numpy_module import numpy_module

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
"""Platforms that an exported program runs on."""


def export(path: Path, residuals: ResidualFunctions, params: Params, version: str) -> None:
    """Write the fields as a function of points of shape `(n, d)`; see `Solution.export`."""
    function = lambda points: residuals.fields(params, points)
    names, problem = residuals.problem.domain.coordinates, residuals.problem.name
    with jax.enable_x64(True), full_precision():
        if path.suffix == ".py":
            data = numpy_module(function, names, problem, version).encode()
        elif path.suffix == ".stablehlo":
            (n,) = jax.export.symbolic_shape("n")
            points = jax.ShapeDtypeStruct((n, len(names)), np.float64)
            exported = jax.export.export(jax.jit(function), platforms=PLATFORMS)(points)
            try:
                data = bytes(exported.serialize())
            except ImportError:
                raise MissingPackageError("this needs flatbuffers: install `pinnkit[export]`") from None
        else:
            raise InputError(f"a solution is exported as `.stablehlo` or `.py`, got '{path.name}'")
    write_files(path.parent, {path.name: data})
