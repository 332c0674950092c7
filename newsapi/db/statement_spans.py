"""Spans of the statements that SQLAlchemy executes, for traces.

The package of OpenTelemetry for SQLAlchemy does not fit: it records the text of errors, in which SQLAlchemy and the
database show the values of parameters, and it begins a trace for every poll of the changelog.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

from newsapi.tracing import spans

_OPEN_SPAN: Final = "newsapi.open_span"
"""Key of the span of the statement that a connection is executing."""


def record_statements() -> None:
    """Record the statements of all engines of this process."""
    event.listen(Engine, "before_cursor_execute", _begin)
    event.listen(Engine, "after_cursor_execute", _end)
    event.listen(Engine, "handle_error", _end_with_error)


def _begin(
    connection: Connection,
    _cursor: DBAPICursor,
    statement: str,
    _parameters: object,
    context: ExecutionContext | None,
    _executemany: bool,  # noqa: FBT001
) -> None:
    if context is None:
        return  # `compiled_queries` records its statements itself
    span = spans.query_span(connection.dialect.name, statement)
    span.__enter__()
    connection.info[_OPEN_SPAN] = span


def _end(connection: Connection, *_event: object) -> None:
    if (span := connection.info.pop(_OPEN_SPAN, None)) is not None:
        span.__exit__(None, None, None)


def _end_with_error(context: ExceptionContext) -> None:
    connection, error = context.connection, context.original_exception
    if connection is not None and not connection.closed and not connection.invalidated:
        span = connection.info.pop(_OPEN_SPAN, None)
        if span is not None:
            span.__exit__(type(error), error, error.__traceback__)
