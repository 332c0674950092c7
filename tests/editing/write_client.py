"""One process that writes for some seconds through an application of its own, and prints what it was answered.

    python -m tests.editing.write_client DATABASE_URL SECRET SECONDS KIND

KIND is `create`, `amend` (reads an article and then writes it) or `hold` (creates, and holds the lock of the database
for two seconds now and then).
"""

import json
import random
import sqlite3
import sys
import time
from collections import Counter

import structlog

from newsapi.app import create_app
from newsapi.settings import Settings


def main(url: str, secret: str, seconds: float, kind: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    app = create_app(Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"}))
    client, headers = app.test_client(), {"Authorization": f"Bearer {secret}"}
    answers: Counter[str] = Counter()
    written, worst = [], 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if kind == "hold" and random.random() < 0.02:
            hold(url)
        start = time.monotonic()
        if kind == "amend":
            now = client.get("/v1/articles/shared", headers=headers)
            if now.status_code != 200:
                answers[f"read {now.status_code}"] += 1
                continue
            changes = json.dumps({"standfirst": f"{now.json['data']['version']}"})
            kinds = {"Content-Type": "application/merge-patch+json", "If-Match": now.headers["ETag"]}
            answer = client.patch("/v1/articles/shared", data=changes, headers=headers | kinds)
        else:
            answer = client.post("/v1/articles", json={"headline": "Molti", "status": "published"}, headers=headers)
        worst = max(worst, time.monotonic() - start)
        answers[str(answer.status_code)] += 1
        if answer.status_code in {200, 201}:
            data = answer.json["data"]
            written.append([data["slug"], data["version"]])
        elif "locked" in answer.text or "busy" in answer.text:
            answers["lock told"] += 1
    print(json.dumps({"answers": answers, "written": written, "worst": worst}))  # noqa: T201 (figures)


def hold(url: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(2)
        connection.execute("COMMIT")
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4])
