"""A cable that takes time: a process that passes the frames of two network interfaces on to each other, each later.

    python -m tests.support.delayed_link FIRST SECOND SECONDS

FIRST and SECOND are file descriptors of TAP devices, SECONDS is the delay of each direction.
"""

import os
import select
import sys
import time
from collections import deque

MAX_FRAME_BYTES = 65_600


def pass_frames(ends: tuple[int, int], seconds: float) -> None:
    """Pass frames on until the other end of standard input is closed."""
    waiting: deque[tuple[float, int, bytes]] = deque()
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([*ends, sys.stdin], [], [], timeout)
        if sys.stdin in ready:
            return
        for end, other in (ends, ends[::-1]):
            if end in ready:
                waiting.append((time.monotonic() + seconds, other, os.read(end, MAX_FRAME_BYTES)))
        while waiting and waiting[0][0] <= time.monotonic():
            _, end, frame = waiting.popleft()
            os.write(end, frame)


if __name__ == "__main__":
    first, second = (int(word) for word in sys.argv[1:3])
    pass_frames((first, second), float(sys.argv[3]))
