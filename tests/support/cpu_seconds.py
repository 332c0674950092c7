"""CPU time of short work, for bounds that slow patterns exceed."""

import time
from collections.abc import Callable

ATTEMPTS = 3


def least_cpu_seconds(work: Callable[[int], object]) -> float:
    """Return the least CPU time of a few attempts: other threads and a busy machine add to some, not to all of them.

    Args:
        work: Is called with the number of the attempt, and must not find the result of an earlier one in a cache.
    """

    def attempt(number: int) -> float:
        began_at = time.process_time()
        work(number)
        return time.process_time() - began_at

    return min(map(attempt, range(ATTEMPTS)))
