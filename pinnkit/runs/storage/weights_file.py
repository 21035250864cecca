"""Trained parameters as a safetensors file, which other tools read as well."""

import json
from collections.abc import Mapping

import jax
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from ..._base.types import Params
from .atomic_files import RunFolderError

PARAMETERS = "parameters.safetensors"


def encode_params(params: Params, described: Mapping[str, str]) -> bytes:
    """Arrays by their paths in the tree, such as `network/hidden/0/weight`, in float64.

    - `described`: what stands in the header beside them.
    """
    arrays = {name: np.asarray(leaf, np.float64, order="C") for name, leaf in _named(params).items()}
    return _sorted(safetensors.numpy.save(arrays, dict(described)))


def decode_params(data: bytes, like: Params, where: str) -> Params:
    """The parameters that `encode_params` wrote, in the tree of `like`.

    **Raises:** `RunFolderError` for what was written by anything else, and for other parameters than those of `like`.
    """
    try:
        found = safetensors.numpy.load(data)
    except (SafetensorError, ValueError, json.JSONDecodeError) as error:
        raise RunFolderError(f"{where} holds no parameters: {error}") from error
    shapes = lambda arrays: {name: np.shape(leaf) for name, leaf in arrays.items()}
    wanted = shapes(_named(like))
    if shapes(found) != wanted:
        say = lambda table: ", ".join(f"{name} {shape}" for name, shape in sorted(table.items()))
        raise RunFolderError(f"{where} belongs to another model: it has {say(shapes(found))}, this one {say(wanted)}")
    leaves = [np.asarray(found[name], np.float64) for name in wanted]
    return jax.tree.structure(like).unflatten(leaves)


def _sorted(data: bytes) -> bytes:
    """The same file with its header in alphabetical order, which is random as safetensors writes it."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:start]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[start:]


def _named(params: Params) -> dict[str, np.ndarray]:
    """Leaves by path, in their order."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }
