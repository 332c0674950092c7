"""Wagtail on PostgreSQL under gunicorn, with the articles loaded by its own models."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from bench.cache_hits import free_port
from bench.peers.postgres import PostgreSQL, postgresql
from bench.peers.sites import ARTICLE, DEEP, LIST, PAGE_SIZE, SEARCH, Corpus, Site, connect, running

PROJECT = Path(__file__).with_name("wagtail_project")
WORKERS = 2 * 2 + 1
"""What the documentation of gunicorn recommends for two cores."""
MIGRATIONS = "wagtail_news_migrations"
FIELDS = "standfirst,image_url,published_at,updated_at,brand,section,authors,tags"


@contextmanager
def wagtail(folder: Path, corpus: Corpus) -> Iterator[dict[str, Site]]:
    """Run the project `wagtail_news` by `venv/` of a folder on PostgreSQL."""
    data, programs, port = folder / f"data-{corpus.size}", folder / "venv" / "bin", free_port()
    with postgresql(data) as database:
        environment = {
            "PYTHONPATH": f"{PROJECT}:{data}",
            "DJANGO_SETTINGS_MODULE": "wagtail_news.settings",
            "BENCH_DATABASE_HOST": database.socket_folder,
        }
        _load(programs / "python", data, environment, database, corpus)
        command = [programs / "gunicorn", "-w", WORKERS, "-b", f"127.0.0.1:{port}"]
        command.append("django.core.wsgi:get_wsgi_application()")
        with running(command, data, environment, ready=connect(port)) as process_id:
            version = f"{_version(programs / 'python')}, {database.version}"
            process_ids = [process_id, database.process_id]
            yield {"Wagtail": Site(f"http://127.0.0.1:{port}", version, _paths(corpus), _slugs, process_ids)}


def _slugs(body: Any) -> list[str]:
    return [item["meta"]["slug"] for item in body["items"]]


def _paths(corpus: Corpus) -> Mapping[str, str]:
    def articles(**parameters: object) -> str:
        return f"/api/v2/articles/?{urlencode({'fields': FIELDS, 'limit': PAGE_SIZE} | parameters)}"

    return {
        LIST: articles(order="-published_at"),
        ARTICLE: articles(slug=corpus.newest_first[0], fields=f"{FIELDS},body"),
        DEEP: articles(order="-published_at", offset=(corpus.deep_page - 1) * PAGE_SIZE),
        SEARCH: articles(search=corpus.word),
    }


def _load(python: Path, data: Path, environment: Mapping[str, str], database: PostgreSQL, corpus: Corpus) -> None:
    loaded = data / "loaded"
    if not loaded.exists():
        (data / MIGRATIONS).mkdir(exist_ok=True)
        (data / MIGRATIONS / "__init__.py").touch()
        (data / "records").write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in corpus.records))
        command = [str(python), "-m", "wagtail_news.load", str(data / "records")]
        subprocess.run(command, env=os.environ | environment, check=True)
        database.analyze()
        loaded.touch()


def _version(python: Path) -> str:
    code = "import wagtail, django, gunicorn as g; print(f'Wagtail {wagtail.__version__}', end=', ')"
    code += "; print(f'Django {django.__version__}, gunicorn {g.__version__}')"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
