"""Several processes that solve one problem: how a command joins the others."""

from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Group, Parameter

from .._base.errors import InputError
from .options import Count, flag

PROCESSES = Group.create_ordered("Several processes")

CONNECTED_WITHIN, LOST_AFTER = 120, 30
"""Seconds in which all processes have to start, and after which one that is silent counts as lost."""


@dataclass(frozen=True)
class Joining:
    """How this process finds the others."""

    distributed: Annotated[
        bool, flag("Join the processes that the cluster has started (Slurm, Open MPI, Kubernetes).", PROCESSES)
    ] = False
    coordinator: Annotated[
        str | None,
        Parameter(group=PROCESSES, help="Address of the first process, as in `node1:1234`, without a cluster."),
    ] = None
    processes: Annotated[Count, Parameter(group=PROCESSES, help="Number of processes, with `--coordinator`.")] = None
    index: Annotated[Count, Parameter(group=PROCESSES, help="Number of this process, with `--coordinator`.")] = None

    def join(self) -> bool:
        """Connect with the other processes, if there are any; before anything else uses JAX.

        **Returns:** whether this process is the one that writes files and prints.

        **Raises:** `InputError` if the options do not belong together, or the others cannot be reached.
        """
        given = {"--coordinator": self.coordinator, "--processes": self.processes, "--index": self.index}
        missing = [name for name, value in given.items() if value is None]
        if not self.distributed and len(missing) == len(given):
            return True
        if missing and len(missing) < len(given):
            raise InputError(f"`{'`, `'.join(given)}` belong together; give `{missing[0]}` too")
        if self.processes is not None and self.index is not None and not 0 <= self.index < self.processes:
            raise InputError(f"`--index` is a number from 0 to `--processes` − 1, got {self.index}")
        _connect(self.coordinator, self.processes, self.index)
        import jax

        return jax.process_index() == 0


ALONE = Joining()


def _connect(coordinator: str | None, processes: int | None, index: int | None) -> None:
    import jax

    limits: dict[str, Any] = {
        "initialization_timeout": CONNECTED_WITHIN,
        "heartbeat_timeout_seconds": LOST_AFTER,
        "shutdown_timeout_seconds": CONNECTED_WITHIN,
    }
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    try:
        jax.distributed.initialize(coordinator, processes, index, **limits)
    except (RuntimeError, ValueError) as error:
        if coordinator is None:
            raise InputError(
                "`--distributed` found no cluster that started several processes; give `--coordinator host:port`, "
                "`--processes` and `--index`, or try with `pinnkit launch -n 2 solve ...`"
            ) from error
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"process {index} of {processes} cannot reach those at {coordinator}: {reason}") from error
