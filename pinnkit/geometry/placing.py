"""The points of several regions at once."""

from collections.abc import Mapping

import jax
from jax.core import Tracer
from jaxtyping import Array, Float

from .points import Points
from .region import AbstractRegion


def placed(regions: Mapping[str, AbstractRegion], units: Mapping[str, Float[Array, "n k"]]) -> dict[str, Points]:
    """The images of points of the unit cube of each region: placed by one compiled function, or by NumPy."""
    is_traced = any(isinstance(unit, Tracer) for unit in units.values())
    by_numpy = {name for name, region in regions.items() if region.is_placed_by_numpy and not is_traced}
    place = lambda units: {name: regions[name].points(unit) for name, unit in units.items()}
    compiled = jax.jit(place)({name: units[name] for name in regions if name not in by_numpy})
    found = {**compiled, **place({name: units[name] for name in by_numpy})}
    return {name: found[name] for name in sorted(found)}
