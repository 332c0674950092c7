"""Traces: one tree for each request, webhook and email, without secrets; and nothing if they are not exported."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from newsapi.settings import SettingError
from newsapi.tracing import spans
from newsapi.tracing.otel import SHUTDOWN_SECONDS, OtelTracer
from tests.subscriptions.conftest import MailServer
from tests.support import servers
from tests.support.client import EVERYTHING
from tests.support.fake_servers import Elsewhere
from tests.support.otlp import OtlpReceiver
from tests.support.processes import Served, free_port, serving

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(150)]
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER, CLIENT = 2, 3
EMAIL = "lucia@lettori.example"
RECEIVER_TOKEN = "receiver-s3cret"


@dataclass
class Traced:
    """A server whose traces are received, with a receiver of webhooks and a mail server."""

    served: Served
    traces: OtlpReceiver
    partner: Elsewhere
    mail: MailServer
    key: str

    def ask(self, method, path, body=None, **headers):
        connection = HTTPConnection(urlsplit(self.served.base).netloc, timeout=20)
        if body is not None:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}", **headers}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.status < 400, content
        return answer, json.loads(content) if content else None

    def span_of(self, request_id):
        return self.traces.wait_for(lambda span: span.attributes.get("newsapi.request_id") == request_id)


@pytest.fixture(scope="module")
def traced(tmp_path_factory, pytestconfig, postgresql_template):
    traces, partner, mail = OtlpReceiver(), Elsewhere(), MailServer()
    with (
        servers.database(servers.database_url(pytestconfig), template=postgresql_template) as url,
        serving(
            tmp_path_factory.mktemp("traced"),
            "serve",
            NEWSAPI_DATABASE_URL=url,
            NEWSAPI_REDIS_URL=servers.redis_url(pytestconfig),
            NEWSAPI_PROCESSES="1",
            NEWSAPI_WEBHOOK_PRIVATE="allow",
            NEWSAPI_SMTP_URL=mail.url,
            OTEL_EXPORTER_OTLP_ENDPOINT=traces.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        ) as served,
    ):
        database = Database(url)
        key = key_commands.create(database, "anna", [*EVERYTHING, "admin"], now=utc_now())
        database.dispose()
        yield Traced(served, traces, partner, mail, key)
    traces.close()
    partner.close()
    mail.close()


@pytest.fixture(scope="module")
def published(traced):
    """An article that was published in a trace of the newsroom, after a webhook was registered."""
    webhook = {"url": f"{traced.partner.url}/{RECEIVER_TOKEN}", "events": ["article.published"]}
    traced.ask("POST", "/v1/webhooks", webhook)
    traced.ask("POST", "/v1/brands", {"slug": "land-rover", "name": "Land Rover"})
    body = {"headline": "Nuova Velar", "brand": "land-rover", "status": "published"}
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "publish"}
    _, answer = traced.ask("POST", "/v1/articles", body, **headers)
    return answer["data"]["slug"]


def test_a_miss_is_a_tree_of_cache_redis_and_sql_and_a_hit_is_one_span(traced, published):
    path = f"/v1/articles/{published}"
    for number in range(1, 20):  # on a machine under load, Redis may take too long and is left alone for two seconds
        for request_id in (f"miss-{number}", f"hit-{number}"):
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": request_id}
            traced.ask("GET", f"{path}?include=related&related_limit={number}", **headers)
        miss, hit = traced.span_of(f"miss-{number}"), traced.span_of(f"hit-{number}")
        [(name, lookup)] = traced.traces.below(miss)
        assert name == "cache lookup"
        names = [name for name, _ in lookup if name != "SELECT"]  # which reads the changelog, if that is due
        if names == ["GET", "SET", "build response", "SET", "DEL"]:
            break
        time.sleep(2)
    else:
        pytest.fail(f"{names} is not a lookup in Redis")
    [build] = [below for name, below in lookup if name == "build response"]
    assert "SELECT" in {name for name, _ in build}
    assert traced.traces.below(hit) == []
    for span, cache in ((miss, "miss"), (hit, "hit")):
        assert (span.trace, span.parent, span.kind, span.service) == (TRACE, PARENT, SERVER, "newsapi")
        assert span.name == "GET /v1/articles/<slug_or_id>"
        assert span.attributes["http.route"] == "/v1/articles/<slug_or_id>"
        assert span.attributes["url.path"] == path
        assert span.attributes["http.response.status_code"] == 200
        assert span.attributes["newsapi.cache"] == cache
        assert not span.is_error
    select = traced.traces.wait_for(lambda span: span.name == "SELECT" and span.trace == TRACE)
    assert (select.kind, select.attributes["db.system.name"]) == (CLIENT, "postgresql")
    assert "FROM article" in "".join(span.attributes.get("db.query.text", "") for span in traced.traces.spans)


def test_a_webhook_continues_the_trace_of_the_request_that_published(traced, published):
    write = traced.span_of("publish")
    assert (write.trace, write.parent, write.name) == (TRACE, PARENT, "POST /v1/articles")
    assert write.attributes["newsapi.change.seq"] >= 1
    assert {"INSERT", "UPDATE"} <= {name for name, _ in traced.traces.below(write)}
    delivery = traced.traces.wait_for(lambda span: span.name == "webhook delivery")
    assert (delivery.trace, delivery.parent, delivery.kind) == (TRACE, write.id, CLIENT)
    assert delivery.attributes["newsapi.event.type"] == "article.published"
    assert delivery.attributes["newsapi.delivery.outcome"] == "answered"
    assert delivery.attributes["server.address"] == "127.0.0.1"
    [call] = traced.partner.asked
    assert call.headers["traceparent"] == f"00-{TRACE}-{delivery.id}-01"


@pytest.fixture(scope="module")
def email(traced, published):
    """The span of an email."""
    traced.ask("POST", "/v1/brands/land-rover/subscriptions", {"email": EMAIL})
    return traced.traces.wait_for(lambda span: span.name == "email confirmation")


def test_an_email_is_a_trace_of_the_worker(traced, email):
    assert (email.parent, email.trace != TRACE) == ("", True)
    names = [name for name, _ in traced.traces.below(email)]
    assert "SMTP send" in names
    assert {"SELECT", "UPDATE"} <= set(names)
    [mail] = traced.mail.mails
    assert mail.recipients == [EMAIL]


@pytest.mark.usefixtures("email")
def test_spans_have_no_secrets_and_no_addresses_of_people(traced, published):
    _, link = traced.ask("POST", f"/v1/articles/{published}/preview-links", {})
    preview = link["data"]["token"]
    traced.ask("GET", f"/v1/articles/{published}?preview={preview}", **{"X-Request-Id": "preview"})
    traced.span_of("preview")
    for secret in (traced.key, preview, EMAIL, RECEIVER_TOKEN, "whsec_", "Nuova Velar"):
        assert secret.encode() not in traced.traces.received, secret


def test_polls_of_the_changelog_are_no_traces(traced):
    time.sleep(1)
    roots = {span.name for span in traced.traces.spans if not span.parent}
    assert roots <= {"email confirmation"} | {span.name for span in traced.traces.spans if span.kind == SERVER}


@pytest.mark.usefixtures("published")
def test_log_lines_of_a_request_name_its_trace(traced):
    lines = [json.loads(line) for line in traced.served.printed.splitlines() if line.startswith("{")]
    [line] = [line for line in lines if line.get("request_id") == "publish" and line["event"] == "request"]
    assert line["trace_id"] == TRACE


def test_an_exception_is_recorded_by_its_class_alone():
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = OtelTracer(provider, exporter)
    with pytest.raises(ValueError, match="lucia"), tracer.span("work", "internal", {}, None):
        raise ValueError(EMAIL)
    [span] = exporter.get_finished_spans()
    assert dict(span.attributes) == {"error.type": "ValueError"}
    assert (span.status.is_ok, span.status.description, span.events) == (False, None, ())


def test_without_a_receiver_nothing_of_opentelemetry_is_imported():
    # The Redis client imports what there is for metrics, whatever we do.
    program = (
        "import sys; import newsapi.cli.processes; from newsapi.tracing import spans; spans.start();"
        "unwanted = {'opentelemetry.instrumentation', 'opentelemetry.exporter', 'google.protobuf'};"
        "sys.exit(not unwanted.isdisjoint(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    with spans.span("work") as span:
        span.set_attribute("key", "value")
    assert spans.current_traceparent() is None


def test_a_process_stops_in_time_although_the_receiver_is_gone():
    program = (
        "import time; from newsapi.tracing import spans; spans.start()\n"
        "with spans.span('work'): pass\n"
        "began = time.monotonic(); spans.shut_down(); print(time.monotonic() - began)"
    )
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert float(done.stdout) < 2 * SHUTDOWN_SECONDS


@pytest.mark.parametrize(
    ("variables", "requested"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_standard_variables_turn_traces_on_and_off(monkeypatch, variables, requested):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert spans.are_requested() is requested


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(SettingError, match=r"install newsapi\[otel\]"):
        spans.are_requested()


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
)
def test_what_is_not_supported_is_an_error(monkeypatch, name, value):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=name):
        spans.are_requested()
