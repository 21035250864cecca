"""What a function costs, whatever else the machine does: XLA's temporary memory and the arithmetic it asks for.

`flops` and `multiply_adds` are counted on the traced function, without its dead code; the body of a loop counts as
often as it runs. XLA's own `xla_flops` counts the body of a loop once, and an expression that stands twice also
once: where there are no loops it is the better figure, else `flops`, which may be too high.
"""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import partial_eval

ELEMENTWISE = frozenset(
    "add add_any sub mul div neg max min square sqrt rsqrt integer_pow pow exp log tanh logistic sin cos abs".split()
)
REDUCTIONS = frozenset("reduce_sum reduce_max reduce_min cumsum".split())


@dataclass(frozen=True)
class Costs:
    """- `temporary_bytes`: what XLA sets aside beside arguments and results;
    - `flops`: two for a multiply-add in a dot product, one for each entry of an elementwise operation or a sum;
    - `multiply_adds`: those of dot products only.
    """

    temporary_bytes: int
    flops: int
    multiply_adds: int
    xla_flops: float


def costs(function, *args) -> Costs:
    """The costs of `function(*args)`, compiled; nothing is run, so `args` may be shapes.

    **Raises:** `ValueError` where a count is not known: a `while` whose number of rounds is decided as it runs, or a
    call back to Python.
    """
    compiled = jax.jit(function).lower(*args).compile()
    flops, multiply_adds = arithmetic(function, *args)
    return Costs(compiled.memory_analysis().temp_size_in_bytes, flops, multiply_adds, compiled.cost_analysis()["flops"])


def arithmetic(function, *args) -> tuple[int, int]:
    """FLOPs and multiply-adds of `function(*args)`; raises as `costs`."""
    jaxpr = jax.make_jaxpr(function)(*args).jaxpr
    jaxpr, _ = partial_eval.dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))
    return _count(jaxpr)


def _count(jaxpr: Any) -> tuple[int, int]:
    """FLOPs and multiply-adds of a jaxpr."""
    flops = multiply_adds = 0
    for eqn in jaxpr.eqns:
        name, params = eqn.primitive.name, eqn.params
        if name == "while" or name.endswith("callback"):
            raise ValueError(f"the arithmetic inside a `{name}` cannot be counted")
        if name == "dot_general":
            shape, ((contracted, _), _) = eqn.invars[0].aval.shape, params["dimension_numbers"]
            products = math.prod(shape[axis] for axis in contracted) * eqn.outvars[0].aval.size
            flops, multiply_adds = flops + 2 * products, multiply_adds + products
        elif name in ELEMENTWISE and _is_floating(eqn.outvars[0]):
            flops += eqn.outvars[0].aval.size
        elif name in REDUCTIONS and _is_floating(eqn.outvars[0]):
            flops += eqn.invars[0].aval.size
        elif name == "cond":
            most = max(_count(branch.jaxpr) for branch in params["branches"])
            flops, multiply_adds = flops + most[0], multiply_adds + most[1]
        else:
            rounds = params["length"] if name == "scan" else 1
            for inner in jax.tree.leaves(list(params.values()), is_leaf=_is_jaxpr):
                if _is_jaxpr(inner):
                    more = _count(getattr(inner, "jaxpr", inner))
                    flops, multiply_adds = flops + rounds * more[0], multiply_adds + rounds * more[1]
    return flops, multiply_adds


def _is_jaxpr(value: Any) -> bool:
    return hasattr(getattr(value, "jaxpr", value), "eqns")


def _is_floating(variable: Any) -> bool:
    return jnp.issubdtype(variable.aval.dtype, jnp.floating)
