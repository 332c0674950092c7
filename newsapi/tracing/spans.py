"""Spans of what this process does, exported to OpenTelemetry if a standard `OTEL_...` variable says where to.

Without that, nothing of OpenTelemetry is imported, and the functions here do nothing.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Final, Literal, Protocol, cast

from newsapi.settings import SettingError

ENDPOINT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables that name the receiver of traces; without one, there are none."""

IMPLEMENTATION: Final = "newsapi.tracing.otel"
"""The module that imports OpenTelemetry."""

AttributeValue = str | int | Sequence[int]
Attributes = Mapping[str, AttributeValue]
Kind = Literal["internal", "server", "client"]


class Span(Protocol):
    """One operation of a trace."""

    def set_attribute(self, key: str, value: AttributeValue, /) -> None: ...
    def update_name(self, name: str, /) -> None: ...


class Tracer(Protocol):
    """Creates spans and exports them."""

    def span(
        self, name: str, kind: Kind, attributes: Attributes, traceparent: str | None
    ) -> AbstractContextManager[Span]:
        """Make a span the current one while the context is open."""

    def current(self) -> Span:
        """Return the current span, or one that is not recorded."""

    def is_recording(self) -> bool:
        """Return whether there is a current span that is exported."""

    def traceparent(self) -> str | None:
        """Return the current span as a `traceparent` header (W3C Trace Context); None if there is none."""

    def shut_down(self) -> None:
        """Export what is left."""


class _NoSpan:
    def set_attribute(self, key: str, value: AttributeValue, /) -> None:
        pass

    def update_name(self, name: str, /) -> None:
        pass


_NO_SPAN: Final = _NoSpan()
_NO_CONTEXT: Final[AbstractContextManager[Span]] = nullcontext(_NO_SPAN)

_tracer: Tracer | None = None


def are_requested() -> bool:
    """Return whether the environment says where to send traces.

    Raises:
        SettingError: It asks for something that is not supported, or OpenTelemetry is not installed.
    """
    name = next((name for name in ENDPOINT_VARIABLES if os.environ.get(name)), None)
    exporter = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if name is None or exporter == "none" or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if exporter != "otlp":
        raise SettingError("OTEL_TRACES_EXPORTER", "is neither otlp nor none")
    if not os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf").startswith("http/protobuf"):
        raise SettingError("OTEL_EXPORTER_OTLP_PROTOCOL", "is not http/protobuf")
    if not _is_installed():
        raise SettingError(name, "is set, but OpenTelemetry is not installed: install newsapi[otel]")
    return True


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def start() -> None:
    """Start to export the spans of this process, if that is requested; call it after a fork."""
    global _tracer  # noqa: PLW0603 (one tracer per process, as OpenTelemetry has it)
    if _tracer is None and are_requested():
        _tracer = cast("Tracer", import_module(IMPLEMENTATION).start())


def shut_down() -> None:
    """Export the spans that are left, and stop."""
    global _tracer  # noqa: PLW0603 (the same)
    if _tracer is not None:
        _tracer.shut_down()
        _tracer = None


def are_exported() -> bool:
    """Return whether the spans of this process are exported."""
    return _tracer is not None


def span(
    name: str, attributes: Attributes | None = None, *, kind: Kind = "internal", traceparent: str | None = None
) -> AbstractContextManager[Span]:
    """Record what happens while the context is open, as a child of the current span.

    An exception sets the status of the span; only its class is recorded, as its text may contain personal data.

    Args:
        name: The name, which has no variable parts.
        attributes: Facts that are known at the beginning, without secrets and addresses of people.
        kind: Whether a request is received or sent.
        traceparent: The parent, as a `traceparent` header, in place of the current span.

    Returns:
        A context whose value is the span.
    """
    return _NO_CONTEXT if _tracer is None else _tracer.span(name, kind, attributes or {}, traceparent)


def query_span(system: str, statement: str) -> AbstractContextManager[Span]:
    """Record a statement of SQL, if it belongs to a recorded span: polls of the changelog are no traces of their own.

    Args:
        system: Name of the database system, such as `postgresql`.
        statement: The text of the statement, with placeholders for its parameters.

    Returns:
        A context whose value is the span.
    """
    if _tracer is None or not _tracer.is_recording():
        return _NO_CONTEXT
    name = statement.split(maxsplit=1)[0]
    return _tracer.span(name, "client", {"db.system.name": system, "db.query.text": statement}, None)


def name_request(span: Span, route: str) -> None:
    """Name the span of a request by its route, such as `GET /v1/articles`."""
    span.update_name(route)
    span.set_attribute("http.route", route.partition(" ")[2])


def current() -> Span:
    """Return the current span, to add attributes to it."""
    return _NO_SPAN if _tracer is None else _tracer.current()


def current_traceparent() -> str | None:
    """Return the current span as a `traceparent` header (W3C Trace Context); None if there is none."""
    return None if _tracer is None else _tracer.traceparent()
