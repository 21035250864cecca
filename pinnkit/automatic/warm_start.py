"""Starting a fit from the solution of a similar problem."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from .._base.errors import InputError
from .._base.types import Params
from ..equations.problem import Problem
from .random_features.bandwidth import Bandwidth


@dataclasses.dataclass(frozen=True)
class WarmStart:
    """What a fit takes over from a solution.

    - `problem`: that was solved; `described`: the network, as in `config.toml`; `params`: of the whole model.
    """

    problem: Problem
    described: Mapping[str, Any]
    params: Params

    @property
    def is_features(self) -> bool:
        """Whether it is one network of random features for all times."""
        return self.described.get("network") == "SineFeatures" and "windows" not in self.described

    @property
    def is_windowed(self) -> bool:
        return "windows" in self.described

    @property
    def bandwidth(self) -> Bandwidth:
        return tuple(float(s) for s in self.described["bandwidth"])

    def check(self, problem: Problem) -> None:
        """**Raises:** `InputError` unless the problem has the same fields and domain."""
        own, other = self.problem, problem
        if own.field_sizes != other.field_sizes:
            raise InputError(
                f"`start` has the fields {', '.join(own.field_sizes)}, but problem '{other.name}' has "
                f"{', '.join(other.field_sizes)}"
            )
        if repr(own.domain) != repr(other.domain):
            raise InputError(f"`start` was solved on {own.domain!r}, but problem '{other.name}' is on {other.domain!r}")
        for name, domain in own.field_domains.own.items():
            if repr(domain) != repr(now := other.field_domains.own[name]):
                raise InputError(f"`start` has field '{name}' on {domain!r}, but problem '{other.name}' on {now!r}")

    def into(self, params: Params) -> Params:
        """Its parameters in place of initial ones; unknown coefficients that it does not have keep their guesses.

        **Raises:** `InputError` if its network has another shape.
        """
        own, like = self.params["network"], params["network"]
        if _shapes(own) != _shapes(like):
            raise InputError(
                f"`start` has another network ({_words(self.described)}) than this fit trains; give the `model`, or "
                "the `width` and `depth`, that it was found with"
            )
        leaves, tree = jax.tree.flatten(like)
        pairs = zip(jax.tree.leaves(own), leaves, strict=True)
        network = tree.unflatten([jnp.asarray(mine, jnp.result_type(its)) for mine, its in pairs])
        return {"coefficients": {**params["coefficients"], **self._known(params)}, "network": network}

    def _known(self, params: Params) -> dict[str, Any]:
        found = self.params["coefficients"]
        return {name: jnp.asarray(found[name]) for name in params["coefficients"] if name in found}


def _shapes(network: Params) -> dict[str, tuple[int, ...]]:
    """By path. What else a network has, such as places where its features are dense, may depend on coefficients."""
    return {jax.tree_util.keystr(path): jnp.shape(leaf) for path, leaf in jax.tree.leaves_with_path(network)}


def _words(described: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {described[name]}" for name in ("network", "width", "depth") if name in described)
