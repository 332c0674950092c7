"""The directory in which several processes keep their metrics.

It must be known when prometheus_client is imported, so this module does not import it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MULTIPROC_DIR_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def multiprocess_dir() -> Iterator[None]:
    """Provide a directory for the metrics of several processes, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="newsapi-metrics-") as directory:
        os.environ[MULTIPROC_DIR_VARIABLE] = directory
        try:
            yield
        finally:
            del os.environ[MULTIPROC_DIR_VARIABLE]
