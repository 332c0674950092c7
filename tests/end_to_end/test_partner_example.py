"""The example of a partner, as it is told to be run: it mirrors, follows, repairs itself, honours recalls."""

import base64
import hashlib
import hmac
import importlib.util
import json
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from newsapi.db.database import Database
from newsapi.keys import commands as key_commands

pytestmark = pytest.mark.real_time

EXAMPLES = Path(__file__).parents[2] / "examples" / "partner"
NOW = 1_800_000_000


def load(name):
    spec = importlib.util.spec_from_file_location(f"partner_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mirror, webhooks = load("mirror"), load("webhooks")


class Desk:
    """Writes to a server."""

    def __init__(self, base, key):
        self.netloc, self.key = urlsplit(base).netloc, key

    def send(self, method, path, body=None, **headers):
        connection = HTTPConnection(self.netloc, timeout=20)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        named = {"Authorization": f"Bearer {self.key}", "Content-Type": kind, **headers}
        connection.request(method, path, json.dumps(body) if body is not None else None, named)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status < 300, text
        return json.loads(text)["data"] if text else None


@pytest.fixture
def house(serve, database_url, tmp_path):
    """A server, its desk, and a partner's mirror of it."""
    database = Database(database_url)
    now = datetime.now(UTC)
    desk = key_commands.create(database, "anna", ("content:write", "content:publish", "drafts:read"), now=now)
    partner = key_commands.create(database, "gazzetta", ("partner:read",), now=now)
    database.dispose()
    with serve("serve", NEWSAPI_DATABASE_URL=database_url, NEWSAPI_PROCESSES="1") as served:
        kept = mirror.Mirror(str(tmp_path / "mirror.sqlite3"), mirror.Api(served.base, partner))
        yield served, Desk(served.base, desk), kept
        kept.file.close()


def there(served):
    data = served.json("/v1/articles?limit=100&fields=version")["data"]
    return {item["id"]: item["version"] for item in data}


def test_a_mirror_follows_repairs_itself_and_honours_a_recall(house):
    served, desk, kept = house
    made = [desk.send("POST", "/v1/articles", {"headline": f"N {n}", "status": "published"}) for n in range(12)]
    kept.sync(limit=5)
    assert kept.versions() == there(served)
    assert len(made) == 12

    threading.Timer(0.5, desk.send, ("DELETE", f"/v1/articles/{made[0]['id']}?reason=legal")).start()
    began = time.monotonic()
    kept.sync(wait=20)
    assert time.monotonic() - began < 15
    assert kept.versions() == there(served)
    assert len(kept.versions()) == 11
    data = desk.send("GET", f"/v1/articles/{made[0]['id']}/recall-receipts")
    assert [one["name"] for one in data["acknowledged"]] == ["gazzetta"]
    assert data["missing"] == []

    with kept.file:
        kept.file.execute("DELETE FROM article WHERE id = ?", (made[3]["id"],))
        kept.file.execute("UPDATE article SET version = 7 WHERE id = ?", (made[4]["id"],))
        kept.file.execute("INSERT INTO article VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', 1, '{}')")
    wrong = {made[3]["id"], made[4]["id"], "01890a5d-ac96-774b-bcce-b302099a8057"}
    assert set(kept.repair()) == wrong
    assert kept.versions() == there(served)
    assert kept.repair() == []
    content = kept.file.execute("SELECT content FROM article WHERE id = ?", (made[3]["id"],)).fetchone()[0]
    assert json.loads(content) == served.json(f"/v1/articles/{made[3]['id']}")["data"]


def test_a_cursor_that_leads_nowhere_is_a_new_start_without_an_empty_moment(house):
    served, desk, kept = house
    made = [desk.send("POST", "/v1/articles", {"headline": f"N {n}", "status": "published"}) for n in range(4)]
    kept.sync()
    with kept.file:  # as of an archive that was set back to a backup
        kept.file.execute("INSERT INTO article VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', 1, '{}')")
    expired, kept.api.get = kept.api.get, raising(mirror.StartAgain)
    assert kept.page()
    kept.api.get = expired
    assert len(kept.versions()) == len(made) + 1
    kept.sync(limit=2)
    assert kept.versions() == there(served)


def raising(error):
    def get(*_, **__):
        raise error

    return get


def test_the_command_syncs_and_repairs(house, tmp_path):
    served, desk, _ = house
    desk.send("POST", "/v1/articles", {"headline": "Velar", "status": "published"})
    run = [sys.executable, EXAMPLES / "mirror.py"]
    for act, said in (("sync", "1 articles"), ("repair", "0 set right")):
        done = subprocess.run([*run, act, served.base], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == said
    with sqlite3.connect(tmp_path / "mirror.sqlite3") as file:
        assert file.execute("SELECT count(*) FROM article").fetchone() == (1,)


# --- webhooks ---------------------------------------------------------------------------------------------------------

SECRET = "whsec_" + base64.b64encode(b"a secret of the two").decode()


def signed(body, *, secret=SECRET, stamp=NOW, id_="msg_1"):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{id_}.{stamp}.".encode() + body, hashlib.sha256)).decode()
    return {"Webhook-Id": id_, "Webhook-Timestamp": str(stamp), "Webhook-Signature": f"v1,{signature}"}


def test_the_vector_of_standard_webhooks_is_genuine():
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    body = b'{"test": 2432232314}'
    told = webhooks.verify("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", headers, body, now=1614265330)
    assert told == {"test": 2432232314}


def test_one_of_several_signatures_is_enough_and_another_secret_is_not():
    body = b'{"type": "article.published"}'
    headers = signed(body)
    headers["Webhook-Signature"] = f"v1,bm90IG91cnM= {headers['Webhook-Signature']}"
    assert webhooks.verify(SECRET, headers, body, now=NOW)["type"] == "article.published"
    other = signed(body, secret="whsec_" + base64.b64encode(b"another").decode())
    for wrong, text, now in (
        (other, body, NOW),
        (headers, body + b" ", NOW),
        (headers, body, NOW + 301),
        (headers, body, NOW - 301),
        ({**headers, "Webhook-Id": "msg_2"}, body, NOW),
        ({}, body, NOW),
        ({**headers, "Webhook-Timestamp": "soon"}, body, NOW),
    ):
        with pytest.raises(webhooks.NotGenuine):
            webhooks.verify(SECRET, wrong, text, now=now)


def test_what_comes_twice_is_new_once():
    seen = webhooks.Seen()
    assert [seen.is_new(id_) for id_ in ("a", "b", "a")] == [True, True, False]
