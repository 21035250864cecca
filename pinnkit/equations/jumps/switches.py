"""Operations at which the value of an expression can jump, found in its trace.

Every other operation is continuous where it is finite. So an expression can jump only where one of its switches
changes: a comparison, a sign, a rounding, an integer. Operations with a kink (`abs`, `max`, a root at zero) are
switches too, for their derivatives jump; so are divisions, for 1/x changes sign through infinity. Where a switch
changes is where one of its levels crosses zero, or one of its steps takes another value.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._base.tracing.jaxpr import called, inner_jaxprs
from ..._base.tracing.primitives import JUMPING, SINGLE_POINTS
from ..trace import Equation, Node, flatten

_DERIVED = {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
"""Functions with custom derivatives, and the parameter that holds their operations."""

_LOOPS = ("while", "scan", "pure_callback", "io_callback", "ffi_call")

_LEVELS: dict[str, Callable[..., list[Any]]] = {
    **dict.fromkeys(("lt", "le", "gt", "ge", "max", "min"), lambda a, b: [a - b]),
    **dict.fromkeys(("sign", "abs", "sqrt", "rsqrt"), lambda a: [a]),
    "div": lambda a, b: [b],
    "clamp": lambda low, a, high: [a - low, a - high],
}

_STEPS: dict[str, Callable[..., Any]] = {
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "round": lambda a: jnp.floor(a + 0.5),
    "rem": lambda a, b: jnp.floor(a / b),
    "sort": lambda a, *_: jnp.argsort(a),
    "reduce_max": jnp.argmax,
    "reduce_min": jnp.argmin,
    "atan2": lambda y, x: (x < 0) & (y >= 0),
}


class Switch(NamedTuple):
    """- `depends_on_fields`: whether the places at which it changes depend on the solution."""

    node: Node
    depends_on_fields: bool

    @property
    def name(self) -> str:
        return self.node.eqn.primitive.name


class Switches(NamedTuple):
    """The switches of an expression: those that can be followed, and operations that cannot be looked into."""

    followed: tuple[Switch, ...]
    hidden: tuple[Node, ...]


def find_switches(equation: Equation, root: Any, coordinate: str) -> Switches:
    """The operations at which `root` may jump along a coordinate or with the fields."""
    followed, hidden = [], []
    for node in _all_nodes(equation, root):
        if not _is_switch(node):
            continue
        deciding = node.inputs[1:] if node.eqn.primitive.name == "div" else node.inputs
        of_fields = any(_depends_on_fields(equation, each) for each in deciding)
        needs = {s.name for each in deciding for s in equation.needs(each) if s.kind == "coordinate"}
        if not of_fields and coordinate not in needs:
            continue
        if node.eqn.primitive.name in _LOOPS and _is_floating(node.eqn.outvars[node.output]):
            hidden.append(node)
        else:
            followed.append(Switch(node, of_fields))
    return Switches(tuple(followed), tuple(hidden))


def levels_of(switch: Switch, value: Callable[[Any], Any]) -> Float[Array, " n"]:
    """Numbers that change sign where the switch changes; `value` maps its inputs to their values."""
    if switch.name not in _LEVELS:
        return jnp.zeros(0)
    return jnp.concatenate([jnp.ravel(level) for level in _LEVELS[switch.name](*map(value, switch.node.inputs))])


def steps_of(switch: Switch, value: Callable[[Any], Any]) -> Float[Array, " n"]:
    """Numbers that take another value where the switch changes."""
    if switch.name in _LEVELS:
        return jnp.zeros(0)
    if switch.name in _STEPS:
        return jnp.ravel(_STEPS[switch.name](*map(value, switch.node.inputs))).astype(float)
    return jnp.ravel(value(switch.node)).astype(float)


def _all_nodes(equation: Equation, root: Any) -> Iterator[Node]:
    """The nodes of an expression, including those inside branches and functions with custom derivatives."""
    waiting, seen = [root], set()
    while waiting:
        for node in equation.nodes(waiting.pop()):
            if node not in seen:
                seen.add(node)
                yield node
                waiting.extend(_inside(node))


def _inside(node: Node) -> list[Any]:
    params, name = node.eqn.params, node.eqn.primitive.name
    if name == "cond":
        return [root for branch in params["branches"] for root in flatten(branch.jaxpr, branch.consts, node.inputs[1:])]
    if name in _DERIVED:
        inner = params[_DERIVED[name]]
        return flatten(inner.jaxpr, inner.consts, node.inputs)
    return [] if (inner := called(node.eqn)) is None else flatten(*inner, node.inputs)


def _is_switch(node: Node) -> bool:
    eqn, name = node.eqn, node.eqn.primitive.name
    if name in SINGLE_POINTS or not any(map(_is_floating, eqn.invars)):
        return False
    if not _is_floating(eqn.outvars[node.output]):
        return True
    if name in _LOOPS:
        bodies = list(inner_jaxprs(eqn))
        return any(map(_breaks, bodies)) or not bodies
    return name in _LEVELS or name in _STEPS


def _breaks(jaxpr: Any) -> bool:
    """Whether the operations inside a loop can jump."""
    for eqn in jaxpr.eqns:
        if eqn.primitive.name not in SINGLE_POINTS and any(map(_is_floating, eqn.invars)):
            if eqn.primitive.name in JUMPING or not all(map(_is_floating, eqn.outvars)):
                return True
        if any(map(_breaks, inner_jaxprs(eqn))):
            return True
    return False


def _is_floating(atom: Any) -> bool:
    return bool(jnp.issubdtype(atom.aval.dtype, jnp.floating))


def _depends_on_fields(equation: Equation, node: Any) -> bool:
    return any(symbol.kind in ("field", "elsewhere") for symbol in equation.needs(node))


def is_stopped(equation: Equation, root: Any) -> bool:
    """Whether `stop_gradient` blocks the derivative of something that varies."""
    nodes = (node for node in _all_nodes(equation, root) if node.eqn.primitive.name == "stop_gradient")
    return any(_depends_on_fields(equation, n) or any(s.kind == "coordinate" for s in equation.needs(n)) for n in nodes)
