"""The units of `deploy/systemd` are valid and closed, and newsapi runs within their limits."""

import os
import re
import shutil
import subprocess
import sys

import httpx
import pytest

from newsapi.settings import Settings
from tests.docs.pages import TOP
from tests.support.processes import NEWSAPI, PATIENCE, environ, free_port
from tests.support.programs import Program

FOLDER = TOP / "deploy/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
ANALYZE = shutil.which("systemd-analyze")
STRACE = shutil.which("strace")
MAX_EXPOSURE = 2.0
"""Of 10, as `systemd-analyze security` counts; below 2 it says "OK"."""

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed (Debian: systemd)")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed")


def values_of(unit, name):
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def analyze(*words):
    return subprocess.run([ANALYZE, *words], capture_output=True, text=True, check=False)


@pytest.fixture
def installed(tmp_path):
    """The units, with the command of this environment."""
    for unit in UNITS:
        text = unit.read_text().replace("/opt/newsapi/bin/newsapi", str(NEWSAPI))
        (tmp_path / unit.name).write_text(text)
    return tmp_path


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_unit(unit, installed):
    done = analyze("verify", installed / unit.name)
    assert (done.returncode, done.stderr) == (0, "")
    (installed / unit.name).write_text((installed / unit.name).read_text().replace("NoNewPrivileges", "NoPrivileges"))
    assert "NoPrivileges" in analyze("verify", installed / unit.name).stderr


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_unit_is_closed(unit):
    done = analyze("security", "--offline=yes", "--no-pager", f"--threshold={10 * MAX_EXPOSURE:.0f}", unit)
    assert done.returncode == 0, done.stdout


def test_the_units_differ_only_in_what_they_run():
    def lines(unit):
        return {line for line in unit.read_text().splitlines() if line and not line.startswith("#")}

    serve, worker = FOLDER / "newsapi.service", FOLDER / "newsapi-worker.service"
    assert {line.partition("=")[0] for line in lines(serve) ^ lines(worker)} == {
        "Description",
        "Environment",
        "ExecReload",
        "ExecStart",
    }


def test_the_stop_waits_for_requests_in_progress():
    assert {seconds for unit in UNITS for seconds in values_of(unit, "TimeoutStopSec")} == {"35"}


def test_the_example_has_only_settings_and_no_secret():
    text = (FOLDER / "newsapi.env.example").read_text()
    lines = [line.removeprefix("# ") for line in text.splitlines() if re.match(r"(# )?NEWSAPI_\w+=", line)]
    values = dict(line.split("=", 1) for line in lines)
    assert values["NEWSAPI_SECRET_KEY"] == ""
    Settings.from_env(values)


def allowed_system_calls(unit):
    """The system calls of the filters of a unit."""
    allowed: set[str] = set()
    for group in values_of(unit, "SystemCallFilter"):
        calls = expand(group.removeprefix("~"))
        allowed = allowed - calls if group.startswith("~") else allowed | calls
    return allowed


def expand(group):
    names = re.findall(r"^    (\S+)$", analyze("syscall-filter", group).stdout, re.MULTILINE)
    assert names, group
    return {call for name in names for call in (expand(name) if name.startswith("@") else {name})}


@pytest.mark.long
@needs_systemd
@needs_strace
def test_newsapi_makes_no_system_call_that_its_unit_forbids(tmp_path):
    """`strace` starts a server that may not map memory as writable and executable; it reads, searches, stops."""
    port, traced = free_port(), tmp_path / "trace"
    wrapper = tmp_path / "restricted"
    wrapper.write_text(
        f"#!{sys.executable}\n"
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None)\n"
        f"assert libc.prctl({PR_SET_NO_NEW_PRIVS}, 1, 0, 0, 0) == 0\n"
        f"libc.prctl({PR_SET_MDWE}, 1, 0, 0, 0)\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    wrapper.chmod(0o755)
    command = [STRACE, "-D", "-f", "-qq", "-o", traced, wrapper, NEWSAPI, "demo"]
    with (
        Program(command, port, tmp_path / "log", folder=tmp_path, environment=environ(NEWSAPI_PORT=str(port))),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client,
    ):
        for path in ("/v1/articles", "/v1/search?q=land", "/v1/feeds/articles.rss", "/readyz"):
            assert client.get(path).status_code == 200, path
    trace = traced.read_text(errors="replace")
    [families] = values_of(FOLDER / "newsapi.service", "RestrictAddressFamilies")
    assert set(re.findall(r"\bsocket\((AF_\w+)", trace)) <= set(families.split())
    calls = set(re.findall(r"^\d+ +(\w+)\(", trace, re.MULTILINE))
    assert len(calls) > 40
    if os.geteuid() == 0:
        calls.discard("fchown")  # SQLite, which does it as root only; units run as another user
    assert calls - allowed_system_calls(FOLDER / "newsapi.service") == set()
