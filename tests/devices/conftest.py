"""Joins the other processes where `PROCESSES_OF_TESTS` names them: coordinator, number, index."""

import os

import jax

if (given := os.environ.get("PROCESSES_OF_TESTS")) is not None and not jax.distributed.is_initialized():
    coordinator, count, index = given.split()
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.distributed.initialize(coordinator, int(count), int(index))
