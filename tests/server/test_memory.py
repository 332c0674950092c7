"""How much freed memory the C library keeps, measured in processes of their own."""

import ctypes
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc")

THREADS = 12
BLOCKS = 20

MEASURE = f"""
import ctypes, sys, threading
from newsapi.server.memory import limit_free_memory

c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
c.malloc.argtypes = [ctypes.c_size_t]
c.free.argtypes = [ctypes.c_void_p]


class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


c.mallinfo2.restype = Info
if "limited" in sys.argv:
    limit_free_memory()
c.free(c.malloc(24 << 20))  # glibc now keeps blocks that are as large, unless the size is fixed
everybody = threading.Barrier({THREADS})


def use_memory():
    blocks = [c.malloc(1 << 20) for _ in range({BLOCKS})]
    held = c.malloc(5_000)  # above the blocks, it keeps the heap from shrinking
    everybody.wait()
    for block in blocks:
        c.free(block)


threads = [threading.Thread(target=use_memory) for _ in range({THREADS})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(c.mallinfo2().fordblks >> 20)
"""


def megabytes_kept(*arguments):
    process = subprocess.run([sys.executable, "-c", MEASURE, *arguments], capture_output=True, text=True, check=True)
    return int(process.stdout)


def test_large_blocks_that_threads_have_freed_are_returned():
    assert megabytes_kept("limited") <= 2
    assert megabytes_kept() > THREADS * BLOCKS / 2, "by default, the C library keeps them"
