"""The example site: built as its README says, and its own tests in headless Chromium against a demo."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import execute, install_packages, shared_folder
from tests.support.processes import NEWSAPI, environ, free_port, serving

TOP = Path(__file__).parents[2]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCOPES = ("admin", "content:write", "content:publish", "webhooks", "drafts:read")
SHORT, LONG = 8, 200
"""Numbers of publications."""

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed"),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="session")
def tree(tmp_path_factory, worker_id):
    """A folder with client and site as in the repository, installed and built."""
    top = shared_folder(tmp_path_factory, worker_id, "example-site")
    unwanted = shutil.ignore_patterns("node_modules", "dist", "built", "store")
    for name in ("clients/typescript", "examples/site"):
        folder = top / name

        def copy(name=name, folder=folder):
            shutil.copytree(TOP / name, folder, ignore=unwanted, dirs_exist_ok=True)

        folder.mkdir(parents=True, exist_ok=True)
        install_packages(folder, copy, ("npm", "run", "build"))
    return top


def site_settings(folder, port):
    """Return the settings of the API for a site on this port."""
    lines = (folder / "demo.env").read_text().splitlines()
    return dict(line.replace("127.0.0.1:4321", f"127.0.0.1:{port}").split("=", 1) for line in lines)


def run_tests(tree, folder, name, publications=SHORT):
    """Run a file of the site's tests against a demo of its own; return its diagnostics."""
    site, port = tree / "examples" / "site", free_port()
    with serving(folder, "demo", NEWSAPI_PROCESSES="1", **site_settings(site, port)) as served:
        words = [word for scope in SCOPES for word in ("--scope", scope)]
        database = f"sqlite:///{folder / 'newsapi-demo.sqlite3'}"
        made = subprocess.run(
            [NEWSAPI, "keys", "create", "site", *words],
            env=environ(NEWSAPI_DATABASE_URL=database),
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        settings = {
            "SITE_API_URL": served.base,
            "SITE_API_KEY": made.stdout.split()[-1],
            "SITE_API_PID": str(served.process.pid),
            "SITE_PORT": str(port),
            "SITE_PUBLICATIONS": str(publications),
            "SITE_CHROMIUM": BROWSER,
        }
        done = subprocess.run(
            ["node", "--test-force-exit", "--test-reporter=spec", f"test/{name}"],
            cwd=site,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=1700,
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("publications", [SHORT, pytest.param(LONG, marks=pytest.mark.long)])
def test_no_page_is_stale_after_the_webhook_was_answered(tree, tmp_path, record_property, publications):
    printed = run_tests(tree, tmp_path, "publications.test.js", publications)
    [report] = re.findall(r"\{.*\"publications\".*\}", printed)
    record_property("measured", report)
    assert json.loads(report)["stale"] == 0
    assert json.loads(report)["publications"] == publications


def test_readers_can_use_it_and_it_keeps_its_budget(tree, tmp_path):
    run_tests(tree, tmp_path, "browser.test.js")


def test_its_sources_pass_the_compiler(tree):
    execute(tree / "examples" / "site", "tsc", "--noEmit")
