"""JSON with figures that may be infinite or no number, which are the strings "inf", "-inf" and "nan" in it.

JSON has no such numbers, and null would not tell them from a figure that does not exist. `float(...)` of Python reads
the strings as it reads numbers.
"""

import math
from typing import Any, TypeVar

import msgspec

Kind = TypeVar("Kind")


def encode(value: Any, indent: int = 0) -> bytes:
    """A struct, a dataclass or built-in values as JSON; in lines where they are indented."""
    data = msgspec.json.encode(_named(msgspec.to_builtins(value)))
    return msgspec.json.format(data, indent=indent) + b"\n" if indent else data


def decode(data: bytes, kind: type[Kind]) -> Kind:
    """Read what `encode` made. **Raises:** `msgspec.DecodeError`."""
    return msgspec.json.decode(data, type=kind, strict=False)  # "inf" where a number belongs is one


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_named(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
