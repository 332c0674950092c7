"""Memory that a process does not need any more."""

from __future__ import annotations

import ctypes


def return_free_memory() -> None:
    """Return free memory to the system, where the C library keeps it (glibc); elsewhere, do nothing.

    glibc keeps what threads have freed for their next allocations: after indexing, more than what is in use.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
