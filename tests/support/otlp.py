"""A receiver of traces: a real HTTP server that decodes what OpenTelemetry exports by OTLP."""

import gzip
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATIENCE_SECONDS = 60


class ReceivedSpan(NamedTuple):
    """One span: ids as lower-case hex, `parent` empty for a root."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    attributes: dict[str, Any]
    is_error: bool
    service: str
    ended_at: int


class OtlpReceiver:
    """Keeps the spans that were exported, and the bytes in which they came."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self.received = b""
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept._keep(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _keep(self, body: bytes) -> None:
        self.received += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _attributes(resource.resource)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [
                    ReceivedSpan(
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.name,
                        span.kind,
                        _attributes(span),
                        span.status.code == span.status.STATUS_CODE_ERROR,
                        service,
                        span.end_time_unix_nano,
                    )
                    for span in scope.spans
                ]

    def wait_for(self, is_wanted: Callable[[ReceivedSpan], object]) -> ReceivedSpan:
        """Return the first span of that kind as soon as it is there."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := [span for span in self.spans if is_wanted(span)]):
            assert time.monotonic() < end, {span.name for span in self.spans}
            time.sleep(0.05)
        return found[0]

    def below(self, span: ReceivedSpan) -> list[tuple[str, list[Any]]]:
        """Return the names of the spans below a span as a tree, in the order in which they ended."""
        children = [child for child in self.spans if child.parent == span.id]
        return [(child.name, self.below(child)) for child in sorted(children, key=lambda child: child.ended_at)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _attributes(message: Any) -> dict[str, Any]:
    values = {}
    for attribute in message.attributes:
        kind = attribute.value.WhichOneof("value")
        value = getattr(attribute.value, kind)
        values[attribute.key] = [item.int_value for item in value.values] if kind == "array_value" else value
    return values
