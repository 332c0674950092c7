"""The moments at which the idle threads of a worker wake up."""

from __future__ import annotations

import time


def seconds_until_tick(interval: float) -> float:
    """Return the seconds until the monotonic clock is a multiple of an interval; 0 for an interval of 0.

    Threads that wait until then wake up together. The first of them pays for a processor that has slept: alone, each
    idle step would take six times as much processor time.
    """
    return interval - time.monotonic() % interval if interval else 0.0
