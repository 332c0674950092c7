"""Metrics of several processes are put together as they are meant."""

import os
import subprocess
import sys

from prometheus_client import CollectorRegistry, multiprocess

from newsapi.server.metrics_dir import MULTIPROC_DIR_VARIABLE

FLUSH = """
from newsapi.server.metrics import ProcessGauges, RequestMetrics
gauges = ProcessGauges(in_flight=1, changelog_age_seconds=0.5, changelog_seq={seq}, cache_entries=2, cache_bytes=10,
                       redis_failures=0)
RequestMetrics().flush(gauges)
"""
NOTHING = "import newsapi.server.metrics"


def test_processes_that_serve_no_requests_do_not_spoil_the_gauges(tmp_path):
    environment = {**os.environ, MULTIPROC_DIR_VARIABLE: str(tmp_path)}
    for program in (FLUSH.format(seq=7), NOTHING, FLUSH.format(seq=9)):
        subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=str(tmp_path))
    assert registry.get_sample_value("newsapi_changelog_seq", {"role": "server"}) == 7
    assert registry.get_sample_value("newsapi_requests_in_flight") == 2
    assert registry.get_sample_value("newsapi_cache_entries") == 4
    assert registry.get_sample_value("newsapi_changelog_age_seconds") == 0.5
