"""The devices that a computation uses, and points sharded over them.

Within `sharded`, the points of every condition are dealt out evenly to some devices, in this process or in several.
What is computed for each point (residuals, factors of gradients, rows of Jacobians and kernels) stays on the device of
the point; parameters and everything else are the same on all. Two functions do it, `map_shards` and `sum_shards`; where
there is one device they call their function once. The runtime is that of JAX: a mesh of one axis and `jax.shard_map`.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float

from .arguments import is_whole
from .errors import InputError, InputTypeError

MEMORY = 2**31
"""Default limit for the matrices of one computation, on each device, 2 GiB."""

AXIS = "points"
"""Name of the axis of the mesh."""

ROWS, SAME = PartitionSpec(AXIS), PartitionSpec()

_mesh = jax.make_user_context(None)
"""The mesh in force. Compiled functions are compiled anew for another; arrays that are created stay as they are, which
they would not within `jax.set_mesh`, and equations may close over them."""

Devices: TypeAlias = int | Sequence[Any]
"""A number of devices, or the devices themselves."""


@contextlib.contextmanager
def sharded(devices: Devices | None = None) -> Generator[tuple[Any, ...], None, None]:
    """Within this context, points are sharded over devices, for `fit`, kernels and everything built on them.

    - `devices`: a number of devices, or a list; all by default, those of other processes included. All processes whose
      devices are used call the same functions in the same order.

    **Raises:** `InputError` or `InputTypeError` if there are not so many, or none of them is of this process.
    """
    if devices is None and _mesh.value is not None:  # that of an enclosing context
        yield tuple(_mesh.value.devices.flat)
        return
    chosen = devices_of(devices)
    if len(chosen) == 1:
        is_default = chosen[0] == jax.local_devices()[0]  # with which programs compiled elsewhere can be used
        with _mesh(None), contextlib.nullcontext() if is_default else jax.default_device(chosen[0]):
            yield chosen
        return
    with _mesh(Mesh(np.array(chosen), (AXIS,), axis_types=(AxisType.Auto,))):
        if is_shared() and chosen[0].platform == "cpu" and jax.config.read("jax_cpu_enable_async_dispatch"):
            raise InputError(
                "several processes on CPUs have to exchange one thing after the other: set "
                "JAX_CPU_ENABLE_ASYNC_DISPATCH=false before JAX is imported"
            )
        yield chosen


def devices_of(devices: Devices | None) -> tuple[Any, ...]:
    """The devices that `sharded` uses."""
    every, processes = jax.devices(), jax.process_count()
    if devices is None:
        return tuple(every)
    if not isinstance(devices, Sequence) or isinstance(devices, str):
        if not is_whole(devices, 1):
            raise InputTypeError(f"`devices` is a number ≥ 1 or a list of devices of JAX, got {devices!r}")
        count = int(devices)
        if processes > 1 and count != len(every):
            raise InputError(f"{processes} processes use all their {len(every)} devices together, got {count}")
        if count > len(every):
            raise InputError(f"there are {len(every)} device(s) of kind '{every[0].platform}', got {count}")
        return tuple(every[:count])
    if not devices or not all(isinstance(device, jax.Device) for device in devices):
        raise InputTypeError(f"`devices` is a number ≥ 1 or a list of devices of JAX, got {devices!r}")
    if len(set(devices)) < len(devices):
        raise InputError("`devices` lists a device twice")
    if jax.process_index() not in {device.process_index for device in devices}:
        raise InputError(f"`devices` has none of this process, which is number {jax.process_index()} of {processes}")
    return tuple(devices)


def shards() -> int:
    """The number of devices over which points are sharded here; 1 inside of what one of them computes."""
    mesh: Mesh | None = _mesh.value
    is_inside = AXIS in jax.sharding.get_abstract_mesh().manual_axes
    return 1 if mesh is None or is_inside else mesh.size


def map_shards(function: Callable[..., Any], points: Any, *same: Any, padded: bool = False) -> Any:
    """`function(points, *same)`, whose results have a row for each point, on each device for its own points.

    Numbers of points that do not divide are filled up with the last point, and these rows cut off again.

    - `points`: a tree of arrays whose leading axis counts the points; `same`: trees that all devices share;
    - `padded`: rows of zeros in place of those that would be cut off, which moves nothing between devices.
    """
    of_one = lambda sets, *same: {"": function(sets[""], *same)}
    return map_sets(of_one, {"": points}, *same, padded=padded)[""]


def map_sets(
    function: Callable[..., dict[str, Any]], sets: dict[str, Any], *same: Any, padded: bool = False
) -> dict[str, Any]:
    """The same for several sets of points by name, in one go."""
    if shards() == 1:
        return function(sets, *same)
    counts = {name: _count(points) for name, points in sets.items()}
    filled = {name: even(points) for name, points in sets.items()}
    fills = {name for name, (_, own) in filled.items() if len(own) > counts[name]}

    def masked(sets: dict[str, tuple[Any, Bool[Array, " n"]]], *same: Any) -> dict[str, Any]:
        rows = function({name: points for name, (points, _) in sets.items()}, *same)
        mask = lambda own: lambda row: jnp.where(own.reshape(-1, *[1] * (row.ndim - 1)), row, 0)
        is_masked = lambda name: padded and name in fills
        return {name: jax.tree.map(mask(sets[name][1]), r) if is_masked(name) else r for name, r in rows.items()}

    found = _on_mesh(masked, (filled,), same, ROWS)
    cut = lambda name: lambda row: row[: counts[name]]
    return {name: jax.tree.map(cut(name), r) if name in fills and not padded else r for name, r in found.items()}


def sum_shards(function: Callable[..., Any], points: Any, *same: Any) -> Any:
    """The sum over devices of `function(points, own, *same)`, on all of them.

    - `own`: of each point whether it counts: numbers that do not divide are filled up with the last point.
    """
    return sum_sets(lambda sets, own, *same: function(sets[""], own[""], *same), {"": points}, *same)


def sum_sets(function: Callable[..., Any], sets: dict[str, Any], *same: Any) -> Any:
    """The same for several sets of points by name, in one go."""
    if shards() == 1:
        return function(sets, {name: jnp.ones(_count(points), bool) for name, points in sets.items()}, *same)
    filled = {name: even(points) for name, points in sets.items()}
    rows = ({name: points for name, (points, _) in filled.items()}, {name: own for name, (_, own) in filled.items()})
    return _on_mesh(lambda *arguments: jax.lax.psum(function(*arguments), AXIS), rows, same, SAME)


def gather_shards(function: Callable[[Array], Array], rows: Array) -> Array:
    """The rows that `function` makes on each device of its own, all of them on all devices."""
    if shards() == 1:
        return function(rows)
    return _on_mesh(lambda own: jax.lax.all_gather(function(own), AXIS, tiled=True), (rows,), (), SAME)


def joined_rows(blocks: Sequence[Array]) -> Array:
    """Blocks of rows as one array for algebra in which the order of rows does not count, with rows of zeros at will.

    Each device joins the rows that it has, so that none is moved.
    """
    if shards() == 1:
        return jnp.concatenate(list(blocks))
    blocks = [jnp.pad(block, [(0, -len(block) % shards()), *[(0, 0)] * (block.ndim - 1)]) for block in blocks]
    return _on_mesh(jnp.concatenate, (blocks,), (), ROWS)


def even(points: Any) -> tuple[Any, Bool[np.ndarray, " n"]]:
    """Points filled up to the same number for each device with the last one, and which of them count."""
    n = _count(points)
    order = np.arange(n + -n % shards())
    filled = points if len(order) == n else jax.tree.map(lambda leaf: leaf[order.clip(max=n - 1)], points)
    return filled, order < n


def exchanged(rows: Float[Array, "n p"]) -> Float[Array, "q n"]:
    """The transpose, with its rows on different devices, and some of zeros at the end: every number moves once."""
    columns = jnp.pad(rows, ((0, 0), (0, -rows.shape[1] % shards()))).T
    return jax.lax.with_sharding_constraint(columns, NamedSharding(_mesh.value, ROWS))


def jit_same(function: Callable[..., Any]) -> Any:
    """`jax.jit` for a function whose arguments and results are the same on all devices."""
    if shards() == 1:
        return jax.jit(function)
    same = NamedSharding(_mesh.value, SAME)
    return jax.jit(function, in_shardings=same, out_shardings=same)


def on_host(tree: Any) -> Any:
    """Arrays of JAX as those of NumPy, also where they are on devices of other processes."""
    return jax.tree.map(_on_host, tree)


def is_sharded(array: Any) -> bool:
    """Whether rows of an array of JAX are on different devices."""
    return isinstance(array, jax.Array) and not array.sharding.is_fully_replicated


def is_first() -> bool:
    """Whether this is the process that writes files and talks to people, of those that share the points."""
    mesh: Mesh | None = _mesh.value
    return mesh is None or mesh.devices.flat[0].process_index == jax.process_index()


def is_shared() -> bool:
    """Whether several processes share the points here."""
    mesh: Mesh | None = _mesh.value
    return mesh is not None and len({device.process_index for device in mesh.devices.flat}) > 1


def agreed(value: float) -> float:
    """A number that processes measure, such as a time, as the first one has it.

    All processes take the same decisions, so those that depend on such numbers have to depend on the same.
    """
    if not is_shared():
        return value
    mesh: Mesh = _mesh.value
    own = np.full(sum(device.process_index == jax.process_index() for device in mesh.devices.flat), value, np.float64)
    with jax.enable_x64(True):
        rows = jax.make_array_from_process_local_data(NamedSharding(mesh, ROWS), own)
        return float(np.asarray(_gathering(mesh)(rows))[0])


def has_accelerator() -> bool:
    """Whether arrays are on something else than the processor by default."""
    return jax.default_backend() != "cpu"


def peak_memory_bytes() -> int:
    """Peak memory of the accelerator if it is known, else the largest resident size of this process, else 0."""
    if peak := (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use"):
        return peak
    try:
        import resource
    except ImportError:  # as on Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _on_mesh(function: Callable[..., Any], rows: tuple[Any, ...], same: tuple[Any, ...], output: PartitionSpec) -> Any:
    """`function(*rows, *same)` on each device with its own rows."""
    inputs = (*[ROWS] * len(rows), *[SAME] * len(same))
    # without the check of varying values, which would sum gradients of shared parameters inside the function
    mapped = jax.shard_map(function, mesh=_mesh.value, in_specs=inputs, out_specs=output, check_vma=False)
    return mapped(*rows, *same)


def _count(points: Any) -> int:
    return len(jax.tree.leaves(points)[0])


def _on_host(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable and not leaf.is_fully_replicated:
        leaf = _gathering(leaf.sharding.mesh)(leaf)  # pyright: ignore[reportAttributeAccessIssue]
    return np.asarray(leaf)


@functools.cache
def _gathering(mesh: Mesh) -> Callable[[Any], Any]:
    """Gathers rows on all devices of a mesh; compiled once for each shape."""
    return jax.jit(lambda rows: rows, out_shardings=NamedSharding(mesh, SAME))
