"""Memory of long-running processes: how the C library keeps and returns what was freed (glibc; elsewhere, nothing)."""

from __future__ import annotations

import ctypes
from typing import Final

M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
"""Parameters of `mallopt`, as in `malloc.h`."""

MAX_ARENAS: Final = 2
"""Number of heaps. By default there are up to eight for each core, and what is free in one is of no use in another."""

MMAP_THRESHOLD_BYTES: Final = 1 << 20
"""Size from which a block is returned to the system when it is freed.

By default this size grows up to 32 MB with the blocks that are freed. Tantivy collects documents in blocks of 1 MB, in
a new thread for each commit: they would stay in the heaps, and what is between them could not be returned either.
"""


def limit_free_memory() -> None:
    """Let the C library keep less of what was freed; call this before the process has threads."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(M_ARENA_MAX, MAX_ARENAS)
        set_option(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)


def return_free_memory() -> None:
    """Return free memory to the system.

    glibc keeps what threads have freed for their next allocations: after indexing, more than what is in use.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
