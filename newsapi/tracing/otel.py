"""The tracer of OpenTelemetry. The only module that imports it; the standard `OTEL_...` variables configure it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from newsapi import __version__
from newsapi.tracing.spans import Attributes, Kind

SHUTDOWN_SECONDS: Final = 2.0
"""Seconds for which a process that stops tries to reach the receiver; a request in progress ends by its own timeout."""

_KINDS: Final[dict[Kind, trace.SpanKind]] = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
}
# Not the propagators of OTEL_PROPAGATORS: baggage would be sent to the receivers of webhooks, which are third parties.
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class OtelTracer:
    """Creates spans of OpenTelemetry and exports them in the background."""

    def __init__(self, provider: TracerProvider, exporter: SpanExporter) -> None:
        """Take the provider, and its exporter."""
        self._provider, self._exporter = provider, exporter
        self._tracer = provider.get_tracer("newsapi", __version__)

    @contextmanager
    def span(self, name: str, kind: Kind, attributes: Attributes, traceparent: str | None) -> Iterator[trace.Span]:
        """Make a span the current one while the context is open."""
        parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
        with self._tracer.start_as_current_span(
            name, parent, _KINDS[kind], attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_status(trace.StatusCode.ERROR)
                span.set_attribute("error.type", type(error).__name__)
                raise

    def current(self) -> trace.Span:
        """Return the current span, or one that is not recorded."""
        return trace.get_current_span()

    def is_recording(self) -> bool:
        """Return whether there is a current span that is exported."""
        return trace.get_current_span().is_recording()

    def traceparent(self) -> str | None:
        """Return the current span as a `traceparent` header (W3C Trace Context); None if there is none."""
        headers: dict[str, str] = {}
        _PROPAGATOR.inject(headers)
        return headers.get("traceparent")

    def shut_down(self) -> None:
        """Export what is left, for SHUTDOWN_SECONDS at most."""
        RedisInstrumentor().uninstrument()
        give_up = threading.Timer(SHUTDOWN_SECONDS, self._exporter.shutdown)  # it ends the waits between its retries
        give_up.start()
        self._provider.shutdown()
        give_up.cancel()


def start() -> OtelTracer:
    """Return a tracer whose exporter runs in a thread of this process."""
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: "newsapi"}))
    provider = TracerProvider(resource=resource.merge(Resource({SERVICE_VERSION: __version__})))
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    RedisInstrumentor().instrument(tracer_provider=provider)
    return OtelTracer(provider, exporter)
