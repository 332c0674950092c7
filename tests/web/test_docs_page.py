"""The page at /docs: what it is made of, and what a real browser makes of it."""

import json
import re
import shutil
import subprocess
import threading
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server

pytestmark = pytest.mark.one_database

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --disable-default-apps --no-pings --virtual-time-budget=8000 --dump-dom"
    " --disable-features=Translate,OptimizationHints,MediaRouter"
).split()


def test_the_page_names_no_other_host(magazine):
    assert set(re.findall(r"https?://[^/\"' ]+", magazine.get("/docs").text)) == set()


def test_everything_the_page_needs_is_served_here(magazine):
    needed = re.findall(r'(?:src|href)="(/[^"]+)"', magazine.get("/docs").text)
    assert len(needed) == 3
    for path in needed:
        answer = magazine.get(path)
        assert answer.status_code == 200
        assert answer.mimetype == {"css": "text/css", "js": "text/javascript"}[path.rpartition(".")[2]]


def test_the_page_may_load_nothing_from_elsewhere(magazine):
    policy = magazine.get("/docs").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy


def test_no_file_beside_the_page_can_be_reached(magazine):
    for name in ("__init__.py", "LICENSE", "..", "%2e%2e", "..%2fpaging.py", "swagger-ui.css/", ""):
        assert magazine.get(f"/docs/{name}").status_code == 404


def test_the_document_leads_to_the_server_it_came_from(magazine):
    assert magazine.get("/openapi.json").json["servers"][0]["url"] == "/"


@pytest.fixture
def address(magazine):
    server = make_server("127.0.0.1", 0, magazine.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
@pytest.mark.parametrize("magazine", ["sqlite"], indirect=True)
def test_a_browser_shows_every_operation_and_asks_no_other_host(magazine, address, tmp_path):
    log = tmp_path / "net.json"
    hosts = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    command = [BROWSER, *QUIET, hosts, f"--user-data-dir={tmp_path}/profile", f"--log-net-log={log}", f"{address}/docs"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True, env={"HOME": str(tmp_path)})
    paths = magazine.get("/openapi.json").json["paths"]
    shown = re.findall(r'data-path="([^"]+)"', found.stdout)
    events = magazine.get("/openapi.json").json["webhooks"]
    assert {path.replace("\u200b", "") for path in shown} == {*paths, *events}
    assert "errors-wrapper" not in found.stdout
    text = log.read_text().rstrip().removesuffix(",")
    events = json.loads(text if text.endswith("}") else text + "]}")["events"]
    # The browser asks for updates of its own; what the page asks for bears the page's origin.
    asked = {event["params"]["url"] for event in events if event.get("params", {}).get("initiator") == address}
    assert {"/openapi.json", "/docs/start.js"} <= {urlsplit(url).path for url in asked}
    assert {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in asked} - {"data://"} == {address}
