"""Compiled programs that are kept on disk between runs."""

import contextlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs


@dataclass(frozen=True)
class CompilationCache:
    """The compilation cache of the command line, in the user's cache folder.

    - `most_bytes`: its largest size; the programs used least recently are removed first;
    - `least_seconds`: shortest compilation that is kept, because each entry costs a look at all others.
    """

    most_bytes: int = 2**28
    least_seconds: float = 0.05

    def enable(self) -> str | None:
        """Use the cache, unless the user has configured one of their own.

        **Returns:** the folder; None if it cannot be written.
        """
        import jax

        warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
        config: Any = jax.config  # whose attributes are made at run time
        if config.jax_compilation_cache_dir is not None:
            return config.jax_compilation_cache_dir
        folder = Path(platformdirs.user_cache_dir("pinnkit")) / "compiled"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            return None
        config.update("jax_compilation_cache_dir", str(folder))
        config.update("jax_compilation_cache_max_size", self.most_bytes)
        config.update("jax_persistent_cache_min_compile_time_secs", self.least_seconds)
        return str(folder)
