"""The problems that come with pinnkit, and residuals on their references by automatic differentiation."""

import contextlib
import functools
import importlib
import inspect

import jax
import jax.numpy as jnp
import numpy as np

from pinnkit.equations.entries import entries
from pinnkit.equations.registry import find_problem
from pinnkit.equations.terms import RowTerms

NAMES = sorted(name for name, entry in entries().items() if entry.module.startswith("pinnkit.problems."))


def module_of(name):
    return importlib.import_module(entries()[name].module)


def is_analytic(name):
    """Whether the reference is a formula: with `jax.numpy` in place of NumPy it can be differentiated."""
    problem = find_problem(name)
    if problem.reference is None:
        return False
    try:
        with jax.enable_x64(True):
            jax.eval_shape(
                lambda point: _formula(problem, name)(point), jax.ShapeDtypeStruct((problem.domain.dimension,), float)
            )
    except Exception:
        return False
    return True


def _formula(problem, name):
    """From one point to the values of the fields in a dict."""
    fields, names = list(problem.field_sizes), inspect.signature(problem.reference).parameters

    def values(point):
        known = {**dict(zip(problem.domain.coordinates, point, strict=True)), **problem.constants}
        with with_jax(module_of(name)):
            found = problem.reference(**{name: known[name] for name in names})
        if isinstance(found, dict):
            return found
        return dict(zip(fields, [found] if len(fields) == 1 else found, strict=True))

    return values


@contextlib.contextmanager
def with_jax(module):
    """`np` of a module is `jax.numpy`."""
    before = vars(module).get("np")
    module.np = jnp
    try:
        yield
    finally:
        module.np = before


def residuals_on_formula(name, condition, unit):
    """An equation's residuals on its reference at images of points of the unit cube, and the size of its terms."""
    problem = find_problem(name)
    equation, region = problem.equation(condition), problem.conditions[condition].on
    formula = _formula(problem, name)

    def derivative(symbol, point):
        function = lambda *point: jnp.asarray(formula(point)[symbol.name], float)
        for axis, order in enumerate(symbol.orders):
            for _ in range(order):
                function = jax.jacfwd(function, argnums=axis)
        return function(*point)

    places = region.points(jnp.asarray(unit))
    coordinates = problem.domain.coordinates
    known = {**problem.constants, **getattr(module_of(name), "true_coefficients", {})}

    def at(point, normal, columns):
        values = {}
        for symbol in equation.symbols:
            if symbol.kind == "field":
                values[symbol] = derivative(symbol, tuple(point))
            elif symbol.kind == "coordinate":
                values[symbol] = point[coordinates.index(symbol.name)]
            elif symbol.kind == "coefficient":
                values[symbol] = jnp.asarray(known[symbol.name], float)
            elif symbol.kind == "normal":
                values[symbol] = normal
            else:
                values[symbol] = columns[symbol.name]
        scale = functools.reduce(jnp.maximum, [jnp.max(jnp.abs(v)) for v in values.values()], jnp.ones(()))

        def elsewhere(symbol, there):
            return jnp.vectorize(lambda *point: derivative(symbol, point))(*there)

        terms = [jnp.max(jnp.abs(row)) for row in RowTerms(equation)(values, elsewhere)]
        return equation(values, elsewhere), functools.reduce(jnp.maximum, terms, scale)

    normals = jnp.zeros_like(places.coordinates) if places.normals is None else places.normals
    residual, scale = jax.vmap(at)(places.coordinates, normals, places.columns)
    return np.asarray(residual), float(scale.max())
