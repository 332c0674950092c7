import threading
import time
from contextlib import ExitStack

import psutil
import pytest

from bench import soak
from bench.cache_hits import fill, serve

SECONDS = 100
LEAK_MB_PER_SECOND = 0.5


def hold_memory(stop, held):
    while not stop.wait(1.0):
        held.append(bytearray(int(LEAK_MB_PER_SECOND * 1e6)))


@pytest.mark.long
@pytest.mark.timeout(280)
def test_memory_and_descriptors_do_not_grow(tmp_path, record_property):
    """A leak of a few kB per request would be more than a gigabyte an hour; less is left to `python -m bench.soak`."""
    url = f"sqlite:///{tmp_path}/news.sqlite3"
    fill(url, 300)
    with ExitStack() as stack:
        server = serve(stack, tmp_path, url, NEWSAPI_CACHE_MB="2")
        time.sleep(5)
        result = soak.soak(server.url, server.pids[0], SECONDS)
    assert set(result.statuses) == {200}
    slope, error = result.slope()
    before, after = result.descriptors()
    record_property("measured", f"{slope:+.0f} MB/h (standard error {error:.0f}), descriptors {before} then {after}")
    assert slope - 3 * error < LEAK_MB_PER_SECOND * 3600 / 4
    assert after <= before + 5


@pytest.mark.long  # it measures the memory of its own process, which other tests move
def test_a_leak_is_measured(record_property):
    samples, stop, held = [], threading.Event(), []
    thread = threading.Thread(target=hold_memory, args=(stop, held))
    thread.start()
    began_at = time.monotonic()
    for _ in range(40):
        samples.append(soak.sample(psutil.Process(), began_at))
        time.sleep(0.5)
    stop.set()
    thread.join()
    slope, error = soak.Soak(samples, {}).slope()
    record_property("control", f"a leak of {LEAK_MB_PER_SECOND * 3600:.0f} MB/h is measured as {slope:.0f} MB/h")
    assert slope - 3 * error > LEAK_MB_PER_SECOND * 3600 / 4
