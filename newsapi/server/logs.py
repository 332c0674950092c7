"""Configuration of the log lines of all processes."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from structlog.typing import Processor

LIBRARY_LEVEL: Final = logging.WARNING
"""Level from which messages of libraries, which use the `logging` module, are written."""


def configure_logging(level: str) -> None:
    """Write log lines to standard error: readable ones if that is a terminal, or else JSON.

    Lines have the id of the request that they belong to. Messages of libraries become lines of the same form.

    Args:
        level: Lowest level that is written, such as "info"; that of libraries is `LIBRARY_LEVEL` or above.
    """
    threshold = getattr(logging, level.upper())
    is_terminal = sys.stderr.isatty()
    added: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if is_terminal else "iso", utc=not is_terminal),
    ]
    rendered: list[Processor] = (
        [structlog.dev.ConsoleRenderer(pad_event_to=0, exception_formatter=structlog.dev.plain_traceback)]
        if is_terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*added, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*added, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(LIBRARY_LEVEL, threshold), force=True)
