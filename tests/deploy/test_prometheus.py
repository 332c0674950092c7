"""Alerts and the dashboard: their metrics exist, Prometheus accepts them, and each alert fires when it should."""

import json
import re
import subprocess
import time
from importlib import import_module

import pytest
import yaml
from prometheus_client import REGISTRY

from newsapi.server.metrics import serve_metrics
from tests.docs.pages import PAGES, TOP, anchors
from tests.support.processes import free_port
from tests.support.prometheus import FOLDER, PROGRAM, PROMTOOL, prometheus

pytestmark = pytest.mark.real_time

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
needs_prometheus = pytest.mark.skipif(PROGRAM is None, reason="Prometheus is not installed (Debian: prometheus)")

RULES = {
    rule["alert"]: rule for rule in yaml.safe_load((FOLDER / "newsapi.rules.yml").read_text())["groups"][0]["rules"]
}
DASHBOARD = json.loads((TOP / "deploy/grafana/newsapi.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]

WORKER = {'newsapi_consumer_lag_seconds{consumer="embargo"}': "0x60"}
"""The series of a worker that runs."""

FIRING = {
    "NewsapiDown": {'up{job="newsapi"}': "1 0x60"},
    "NewsapiErrors": {'newsapi_requests_total{route="GET /v1/articles", status="500"}': "0+1x60"},
    "NewsapiUnavailable": {
        'newsapi_responses_unavailable_total{reason="overloaded"}': "0+2x60",
        'newsapi_requests_total{status="200"}': "0+100x60",
    },
    "NewsapiDatabaseUnreachable": {"newsapi_changelog_age_seconds": "0 60+60x60"},
    "NewsapiSlow": {
        'newsapi_response_build_seconds_bucket{route="GET /v1/articles", le="0.5"}': "0+90x60",
        'newsapi_response_build_seconds_bucket{route="GET /v1/articles", le="1.0"}': "0+100x60",
        'newsapi_response_build_seconds_bucket{route="GET /v1/articles", le="+Inf"}': "0+100x60",
    },
    "NewsapiConnectionsExhausted": {
        'newsapi_database_connections{job="newsapi", instance="a", state="in_use"}': "40x60",
        'newsapi_database_connections_limit{job="newsapi", instance="a"}': "42x60",
    },
    "NewsapiWorkerMissing": {'newsapi_consumer_lag_seconds{consumer="other"}': "0x60"},
    "NewsapiConsumerBehind": {'newsapi_consumer_lag_seconds{consumer="webhooks"}': "0+60x60"},
    "NewsapiConsumerFailing": {'newsapi_consumer_failing{consumer="purge"}': "1x60"},
    "NewsapiChangesSetAside": {'newsapi_consumer_failed_changes{consumer="related"}': "3x60"},
    "NewsapiPublicationLate": {
        "newsapi_scheduled_publication_delay_seconds_count": "0x20 1x40",
        'newsapi_scheduled_publication_delay_seconds_bucket{le="10.0"}': "0x60",
    },
    "NewsapiScheduledArticleInvalid": {"newsapi_scheduled_changes_failed_total": "0+300x60"},
    "NewsapiWebhookQueueOld": {'newsapi_webhook_queue_age_seconds{cause="edit"}': "0+60x60"},
    "NewsapiWebhooksPaused": {"newsapi_webhooks_paused": "0x20 1x40"},
    "NewsapiEmailQueueOld": {"newsapi_email_queue_age_seconds": "0+60x60"},
    "NewsapiEmailsPaused": {"newsapi_emails_paused": "1x60"},
    "NewsapiPurgesFail": {'newsapi_purges_total{outcome="failed"}': "0+12x60"},
    "NewsapiRedisFails": {"newsapi_redis_failures_total": "0+30x60"},
    "NewsapiSearchIndexBehind": {"newsapi_search_index_lag_changes": "5000x60"},
}
"""For each alert, series per minute with which it fires within the given time."""

FIRING_AFTER = {"NewsapiPublicationLate": "25m"}
QUIET = {
    'up{job="newsapi"}': "1x60",
    'newsapi_requests_total{route="GET /v1/articles", status="200"}': "0+1000x60",
    'newsapi_requests_total{route="GET /v1/articles", status="503"}': "0+1x60",
    'newsapi_responses_unavailable_total{reason="overloaded"}': "0+1x60",
    'newsapi_responses_unavailable_total{reason="behind"}': "0+1000x60",
    "newsapi_changelog_age_seconds": "0.2x60",
    'newsapi_response_build_seconds_bucket{route="GET /v1/articles", le="0.5"}': "0+1000x60",
    'newsapi_response_build_seconds_bucket{route="GET /v1/articles", le="1.0"}': "0+1001x60",
    'newsapi_response_build_seconds_bucket{route="GET /v1/articles", le="+Inf"}': "0+1001x60",
    'newsapi_database_connections{job="newsapi", instance="a", state="in_use"}': "20x60",
    'newsapi_database_connections{job="newsapi", instance="a", state="idle"}': "22x60",
    'newsapi_database_connections_limit{job="newsapi", instance="a"}': "42x60",
    'newsapi_consumer_lag_seconds{consumer="webhooks"}': "0 1 0 300 0x60",
    'newsapi_consumer_failing{consumer="purge"}': "0x60",
    'newsapi_consumer_failed_changes{consumer="related"}': "0x60",
    "newsapi_scheduled_publication_delay_seconds_count": "0+1x60",
    'newsapi_scheduled_publication_delay_seconds_bucket{le="10.0"}': "0+1x60",
    "newsapi_scheduled_changes_failed_total": "1x60",
    'newsapi_webhook_queue_age_seconds{cause="edit"}': "5x60",
    'newsapi_webhook_queue_age_seconds{cause="import"}': "0+60x60",
    "newsapi_webhooks_paused": "2x60",
    "newsapi_email_queue_age_seconds": "30x60",
    "newsapi_emails_paused": "0x60",
    'newsapi_purges_total{outcome="done"}': "0+60x60",
    'newsapi_purges_total{outcome="failed"}': "3x60",
    "newsapi_redis_failures_total": "0 0 1 1x60",
    "newsapi_search_index_lag_changes": "0 5000 0x60",
}
"""Series of a service without trouble: no alert fires."""


def promtool(*words):
    done = subprocess.run([PROMTOOL, *words], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def firing_test(series, at, firing):
    """Return a unit test of promtool: which alerts fire at a time."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": at,
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in firing],
            }
        ],
    }


@needs_promtool
def test_promtool_accepts_the_rules_and_the_configuration(tmp_path):
    promtool("check", "rules", str(FOLDER / "newsapi.rules.yml"))
    promtool("check", "config", str(FOLDER / "prometheus.yml"))
    assert set(FIRING) == set(RULES)


@needs_promtool
def test_each_alert_fires_when_it_should_and_no_other_does(tmp_path):
    tests = [firing_test(WORKER | QUIET, at, []) for at in ("10m", "30m", "55m")]
    for name, series in FIRING.items():
        worker = {} if name == "NewsapiWorkerMissing" else WORKER
        tests.append(firing_test(worker | series, FIRING_AFTER.get(name, "45m"), [name]))
    suite = {"rule_files": [str(FOLDER / "newsapi.rules.yml")], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "suite.yml").write_text(yaml.safe_dump(suite))
    promtool("test", "rules", str(tmp_path / "suite.yml"))


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_what_is_wrong_what_to_do_and_where_it_is_explained(name):
    rule = RULES[name]
    assert set(rule["annotations"]) == {"summary", "action", "runbook"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == name.lower()
    assert anchor in anchors(PAGES[page])


def test_alerts_and_dashboard_name_only_metrics_that_exist():
    import_module("newsapi.app")
    exist = {"up"}
    for family in REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        exist |= {f"{family.name}{suffix}" for suffix in suffixes}
    named = set()
    for query in [rule["expr"] for rule in RULES.values()] + QUERIES:
        named |= set(re.findall(r"\b(?:newsapi_\w+|up)\b", query))
    assert named - exist == set()
    assert len(named) > 20


@needs_prometheus
def test_prometheus_reads_our_metrics_and_accepts_every_query_of_the_dashboard(tmp_path):
    import_module("newsapi.app")
    port = free_port()
    serve_metrics("127.0.0.1", port)
    with prometheus(tmp_path, port) as server:
        until = time.monotonic() + 30
        while not (result := server.get("query", query='up{job="newsapi"}')["result"]) or result[0]["value"][1] != "1":
            assert time.monotonic() < until
            time.sleep(0.2)
        for query in QUERIES:
            server.get("query", query=query.replace("$__rate_interval", "1m").replace("$instance", ".*"))
        alerts = {rule["name"] for group in server.get("rules")["groups"] for rule in group["rules"]}
    assert alerts == set(RULES)
    assert QUERIES
