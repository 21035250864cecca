"""The fields of a solution as a Python module that needs NumPy alone."""

import base64
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .._base.errors import InputError
from .._base.tracing.jaxpr import called

ENTRYWISE: dict[str, str] = {
    **{name: f"np.{name}({{0}})" for name in "sin cos tan tanh sinh cosh exp expm1 log log1p sqrt cbrt sign".split()},
    **{f"a{name}": f"np.arc{name}({{0}})" for name in "sin cos tan sinh cosh tanh".split()},
    **{"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "and": "&", "or": "|"},
    **{"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
    **{"floor": "np.floor({0})", "ceil": "np.ceil({0})", "abs": "np.abs({0})", "neg": "-{0}", "not": "~{0}"},
    **{"max": "np.maximum({0}, {1})", "min": "np.minimum({0}, {1})", "atan2": "np.arctan2({0}, {1})"},
    **{"square": "{0} * {0}", "rsqrt": "1 / np.sqrt({0})", "logistic": "1 / (1 + np.exp(-{0}))", "exp2": "2.0 ** {0}"},
    **{"erf": "np.vectorize(math.erf, otypes=[float])({0})", "clamp": "np.clip({1}, {0}, {2})"},
    **{"select_n": "np.where({0}, {2}, {1})", "stop_gradient": "{0}", "copy": "{0}", "copy_p": "{0}"},
}
"""Operations on each entry: formulas of their operands, or signs between two of them."""

_LENGTH = re.compile(r"[n0-9*+() -]+")

_HEAD = '''"""The fields {fields} of '{problem}' as functions in NumPy, written by pinnkit {version}.

`evaluate(points)` takes an array of shape `(n, {dimension})` with the columns {columns} and returns the fields by name.
"""

import base64
import math

import numpy as np


def _array(text, shape, dtype):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


'''


def numpy_module(
    function: Callable[[Any], dict[str, Any]], arguments: Sequence[str], problem: str, version: str
) -> str:
    """The text of a module with a function `evaluate`.

    - `function`: of points of shape `(n, d)`, as JAX traces it; `arguments`: the names of their columns.

    **Raises:** `InputError` for an operation that NumPy does not have.
    """
    with jax.enable_x64(True):
        (n,) = jax.export.symbolic_shape("n")
        points = jax.ShapeDtypeStruct((n, len(arguments)), np.float64)
        traced, shapes = jax.make_jaxpr(function, return_shape=True)(points)
    writer = _Writer()
    inputs = [writer.constant(np.asarray(value)) for value in traced.consts]
    outputs = writer.write(traced.jaxpr, [*inputs, "x"])
    results = ", ".join(f"{name!r}: {value}" for name, value in zip(sorted(shapes), outputs, strict=True))
    fields = ", ".join(f"{name}({', '.join(arguments)})" for name in shapes)
    head = _HEAD.format(
        fields=fields, problem=problem, version=version, dimension=len(arguments), columns=", ".join(arguments)
    )
    body = ["x = np.asarray(points, float)", "n = len(x)", *writer.lines, f"return {{{results}}}"]
    constants = [f"{name} = {text}" for name, text in writer.constants.items()]
    return head + "\n".join([*constants, "", "", "def evaluate(points):", *(f"    {line}" for line in body), ""])


class _Writer:
    """Writes a program of JAX line by line; values are names or literals."""

    def __init__(self) -> None:
        self.lines, self.constants = list[str](), dict[str, str]()
        self._numbers = itertools.count()

    def constant(self, value: np.ndarray) -> str:
        name = f"_C{len(self.constants)}"
        text = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        self.constants[name] = f"_array({text!r}, {value.shape}, {value.dtype.str!r})"
        return name

    def write(self, jaxpr: Any, inputs: Sequence[str]) -> list[str]:
        """Write the operations of a program. **Returns:** its results."""
        names: dict[Any, str] = dict(zip([*jaxpr.constvars, *jaxpr.invars], inputs, strict=True))
        read = lambda atom: _literal(atom.val) if hasattr(atom, "val") else names[atom]
        for eqn in jaxpr.eqns:
            operands = [read(atom) for atom in eqn.invars]
            for variable, value in zip(eqn.outvars, self._results(eqn, operands), strict=True):
                names[variable] = value
        return [read(atom) for atom in jaxpr.outvars]

    def _results(self, eqn: Any, operands: list[str]) -> list[str]:
        inner = called(eqn)
        if inner is None and "call_jaxpr" in eqn.params:  # functions with derivatives of their own
            closed = eqn.params["call_jaxpr"]
            inner = getattr(closed, "jaxpr", closed), getattr(closed, "consts", ())
        if inner is not None:
            return self.write(inner[0], [*(self.constant(np.asarray(c)) for c in inner[1]), *operands])
        name = f"v{next(self._numbers)}"
        self.lines.append(f"{name} = {_expression(eqn, operands)}")
        return [name]


def _expression(eqn: Any, operands: list[str]) -> str:
    """One operation as an expression of NumPy."""
    kind, p, shape = eqn.primitive.name, eqn.params, eqn.outvars[0].aval.shape
    if kind in ENTRYWISE:
        form = ENTRYWISE[kind]
        return form.format(*operands) if "{" in form else f"{operands[0]} {form} {operands[1]}"
    of = operands[0] if operands else ""
    match kind:
        case "integer_pow":
            return f"{of} ** {p['y']}"
        case "convert_element_type":
            return f"np.asarray({of}, {np.dtype(p['new_dtype']).str!r})"
        case "broadcast_in_dim":
            sizes = dict(zip(p["broadcast_dimensions"], np.shape(eqn.invars[0].aval), strict=True))
            inner = [sizes.get(i, 1) for i in range(len(shape))]
            return f"np.broadcast_to(np.reshape({of}, {_shape(inner)}), {_shape(shape)})"
        case "reshape":
            return f"np.reshape({of}, {_shape(shape)})"
        case "squeeze":
            return f"np.squeeze({of}, {tuple(map(int, p['dimensions']))})"
        case "transpose":
            return f"np.transpose({of}, {tuple(map(int, p['permutation']))})"
        case "concatenate":
            return f"np.concatenate([{', '.join(operands)}], {p['dimension']})"
        case "stack":
            return f"np.stack([{', '.join(operands)}], {p['axis']})"
        case "slice":
            steps = p["strides"] or (1,) * len(shape)
            cuts = zip(p["start_indices"], p["limit_indices"], steps, strict=True)
            return f"{of}[{', '.join(f'{_length(a)}:{_length(b)}:{s}' for a, b, s in cuts)}]"
        case "reduce_sum" | "reduce_max" | "reduce_min" | "reduce_prod":
            return f"np.{kind.removeprefix('reduce_')}({of}, {tuple(map(int, p['axes']))})"
        case "dot_general":
            return f"np.einsum({_subscripts(eqn)!r}, {', '.join(operands)})"
        case "gather":
            return _gathered(eqn, operands)
        case "iota":
            inner = [size if i == p["dimension"] else 1 for i, size in enumerate(shape)]
            along = f"np.arange({_length(shape[p['dimension']])}, dtype={np.dtype(p['dtype']).str!r})"
            return f"np.broadcast_to(np.reshape({along}, {_shape(inner)}), {_shape(shape)})"
        case _:
            raise InputError(f"the network uses '{kind}', which NumPy does not have; export it as `.stablehlo`")


def _subscripts(eqn: Any) -> str:
    (left, right), (batch_left, batch_right) = eqn.params["dimension_numbers"]
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    first = [next(letters) for _ in eqn.invars[0].aval.shape]
    second = [next(letters) for _ in eqn.invars[1].aval.shape]
    for mine, other in (*zip(left, right, strict=True), *zip(batch_left, batch_right, strict=True)):
        second[other] = first[mine]
    kept = lambda names, *without: [name for i, name in enumerate(names) if i not in {*without}]
    batch = [first[i] for i in batch_left]
    out = [*batch, *kept(first, *left, *batch_left), *kept(second, *right, *batch_right)]
    return f"{''.join(first)},{''.join(second)}->{''.join(out)}"


def _gathered(eqn: Any, operands: list[str]) -> str:
    """A block that begins at one index. **Raises:** `InputError` for several blocks."""
    numbers, sizes = eqn.params["dimension_numbers"], eqn.params["slice_sizes"]
    if len(eqn.invars[1].aval.shape) != 1 or numbers.operand_batching_dims:
        raise InputError("the network looks entries up in a table; export it as `.stablehlo`")
    starts = {axis: f"int({operands[1]}[{i}])" for i, axis in enumerate(numbers.start_index_map)}
    cuts = [f"{starts[i]}:{starts[i]} + {_length(s)}" if i in starts else f":{_length(s)}" for i, s in enumerate(sizes)]
    block = f"{operands[0]}[{', '.join(cuts)}]"
    return f"np.squeeze({block}, {tuple(map(int, numbers.collapsed_slice_dims))})"


def _literal(value: Any) -> str:
    """A scalar of a program."""
    return f"np.asarray({np.asarray(value).item()!r}, {np.asarray(value).dtype.str!r})".replace("inf", "math.inf")


def _shape(sizes: Sequence[Any]) -> str:
    return f"({', '.join(map(_length, sizes))}{',' if len(sizes) == 1 else ''})"


def _length(size: Any) -> str:
    """A length, which may depend on the number n of points."""
    text = str(size)
    if not _LENGTH.fullmatch(text):
        raise InputError(f"the network has arrays of length {text}; export it as `.stablehlo`")
    return text
