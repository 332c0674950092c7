"""Log lines: JSON where a program reads them, readable on a terminal, whoever writes them."""

import os
import subprocess
import sys

import orjson
import pytest

PROGRAM = """
import logging, structlog
from newsapi.server.logs import configure_logging
configure_logging("info")
structlog.contextvars.bind_contextvars(request_id="r1")
structlog.get_logger("newsapi.test").info("stored", count=2)
structlog.get_logger("newsapi.test").debug("left out")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("sqlalchemy.pool").error("Exception during reset or similar", exc_info=True)
logging.getLogger("sqlalchemy.pool").info("left out")
"""


def run(stderr):
    return subprocess.run([sys.executable, "-c", PROGRAM], stderr=stderr, check=True, timeout=60)


def test_a_program_gets_one_json_object_per_line_also_from_libraries():
    stored, reset = map(orjson.loads, run(subprocess.PIPE).stderr.splitlines())
    assert stored.pop("timestamp").endswith("Z")
    assert stored == {"event": "stored", "count": 2, "level": "info", "request_id": "r1"}
    assert (reset["event"], reset["level"]) == ("Exception during reset or similar", "error")
    assert (reset["logger"], reset["request_id"]) == ("sqlalchemy.pool", "r1")
    assert "ZeroDivisionError" in reset["exception"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_terminal_gets_readable_lines():
    reader, terminal = os.openpty()
    run(terminal)
    os.close(terminal)
    written = b""
    try:
        while block := os.read(reader, 65536):
            written += block
    except OSError:  # Linux: the end of a terminal that was closed
        pass
    os.close(reader)
    first = written.decode().splitlines()[0]
    assert "stored" in first
    assert "r1" in first
    assert not first.startswith("{")
    assert b"ZeroDivisionError" in written
    assert b"left out" not in written
