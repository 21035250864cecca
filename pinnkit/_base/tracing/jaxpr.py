"""Reading a traced function: the few things our interpreters need to know about JAX's intermediate form."""

from collections.abc import Mapping, Sequence
from typing import Any

_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "checkpoint": "jaxpr", "remat2": "jaxpr"}


def evaluate(eqn: Any, operands: Sequence[Any]) -> list[Any]:
    """The results of one equation of a jaxpr."""
    result = eqn.primitive.bind(*operands, **eqn.primitive.get_bind_params(eqn.params))
    return list(result) if eqn.primitive.multiple_results else [result]


def read(atom: Any, values: Mapping[Any, Any]) -> Any:
    """The value of a variable or literal."""
    return atom.val if hasattr(atom, "val") else values[atom]


def called(eqn: Any) -> tuple[Any, Sequence[Any]] | None:
    """Jaxpr and constants of an equation that only calls a function, which may be inlined; else None."""
    key = _CALLS.get(eqn.primitive.name)
    if key is None:
        return None
    inner = eqn.params[key]
    return getattr(inner, "jaxpr", inner), getattr(inner, "consts", ())
