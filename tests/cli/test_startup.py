"""What the commands that run for long do first, measured in a process of its own."""

import subprocess
import sys

from newsapi.cli.startup import GC_THRESHOLD

CYCLES = 5 * GC_THRESHOLD

COUNT_CYCLES = f"""
from newsapi.cli.startup import tune_gc

alive = most = 0


class Cycle:
    def __init__(self):
        global alive, most
        self.itself = self
        alive += 1
        most = max(most, alive)

    def __del__(self):
        global alive
        alive -= 1


tune_gc()
for _ in range({CYCLES}):
    Cycle()
print(most)
"""


def test_reference_cycles_take_a_bounded_amount_of_memory():
    process = subprocess.run([sys.executable, "-c", COUNT_CYCLES], capture_output=True, text=True, check=True)
    assert 0 < int(process.stdout) <= 1.1 * GC_THRESHOLD
