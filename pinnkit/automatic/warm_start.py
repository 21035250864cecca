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
        shapes = [[jnp.shape(leaf) for leaf in jax.tree.leaves(network)] for network in (own, like)]
        if jax.tree.structure(own) != jax.tree.structure(like) or shapes[0] != shapes[1]:
            raise InputError(
                f"`start` has another network ({_words(self.described)}) than this fit trains; give the `model`, or "
                "the `width` and `depth`, that it was found with"
            )
        network = jax.tree.map(lambda mine, its: jnp.asarray(mine, jnp.result_type(its)), own, like)
        return {"coefficients": {**params["coefficients"], **self._known(params)}, "network": network}

    def _known(self, params: Params) -> dict[str, Any]:
        found = self.params["coefficients"]
        return {name: jnp.asarray(found[name]) for name in params["coefficients"] if name in found}


def _words(described: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {described[name]}" for name in ("network", "width", "depth") if name in described)
