"""`deploy/compose.yaml` follows the specification and its own rules; the files that it mounts work in real programs.

Docker is not run. PostgreSQL, PgBouncer, Varnish and promtool are those of this machine.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from newsapi.settings import Settings
from tests.docs.pages import TOP
from tests.support import servers
from tests.support.pgbouncer import PROGRAM as PGBOUNCER
from tests.support.pgbouncer import knows_prepared_statements
from tests.support.processes import PATIENCE, free_port
from tests.support.programs import Program
from tests.support.prometheus import PROMTOOL
from tests.support.replication import Node
from tests.support.varnish import PROGRAM as VARNISH

pytestmark = pytest.mark.real_time

FILE = TOP / "deploy/compose.yaml"
FOLDER = TOP / "deploy/compose"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE["services"]
NEWSAPI_SERVICES = {name for name, service in SERVICES.items() if service["image"].startswith("newsapi:")}
PASSWORDS = {"DATABASE_PASSWORD": "database1", "REPLICATION_PASSWORD": "replication1"}
VARIABLE = re.compile(r"(?<!\$)\$\{?(\w+)([^}]*)\}?")


def validate(path):
    program = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", path], capture_output=True, text=True, check=False
    )


def test_the_file_follows_the_specification(tmp_path):
    done = validate(FILE)
    assert done.returncode == 0, done.stdout
    (tmp_path / "compose.yaml").write_text(FILE.read_text().replace("healthcheck:", "health:"))
    assert validate(tmp_path / "compose.yaml").returncode == 1


def test_every_image_has_a_version():
    images = [service["image"] for service in SERVICES.values()]
    bases = re.findall(r"FROM (\S+)", FILE.read_text())
    assert [image for image in images + bases if not re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", image)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check_and_drops_what_it_can(name):
    service = SERVICES[name]
    assert name in NEWSAPI_SERVICES or service["healthcheck"]["test"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"]


def test_the_image_of_newsapi_has_a_health_check():
    assert "\nHEALTHCHECK " in (TOP / "Dockerfile").read_text()


def test_services_of_newsapi_write_nothing_but_their_data():
    for name in NEWSAPI_SERVICES:
        service = SERVICES[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert any(":/data" in volume or volume.startswith("/data") for volume in [
            *service.get("volumes", ()), *service.get("tmpfs", ()),
        ])  # fmt: skip
        assert service["stop_grace_period"] == "35s"


def test_dependencies_are_services_with_a_condition():
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if name == "migrate" else "service_healthy"
            assert (name in SERVICES, how["condition"]) == (True, expected)


def test_volumes_and_mounted_files_exist():
    used = set()
    for service in SERVICES.values():
        for source in (volume.split(":")[0] for volume in service.get("volumes", ())):
            if source.startswith("."):
                assert (FILE.parent / source).is_file(), source
            else:
                used.add(source)
    assert used == set(COMPOSE["volumes"])


def test_only_loopback_is_published():
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_variable_is_required_and_in_the_example_without_a_value():
    variables = dict(VARIABLE.findall(FILE.read_text()))
    assert set(variables.values()) == {":?"}
    lines = [line for line in (FOLDER / "env.example").read_text().splitlines() if line and not line.startswith("#")]
    assert {line.partition("=")[0] for line in lines} == set(variables)
    assert [line for line in lines if not line.endswith("=")] == []


def environment(name):
    values = {"NEWSAPI_API_URL": "https://api.example.com", "NEWSAPI_ARTICLE_URL": "https://example.com/{slug}"}

    def fill(value):
        return VARIABLE.sub(lambda match: values.get(match[1], "x" * 64), value)

    return {key: fill(value) for key, value in SERVICES[name]["environment"].items()}


@pytest.mark.parametrize("name", sorted(NEWSAPI_SERVICES))
def test_settings_are_valid_and_name_services(name):
    settings = Settings.from_env(environment(name))
    urls = [*settings.database_replica_urls, settings.redis_url, settings.purge_url.partition("+")[2]]
    assert {urlsplit(url).hostname for url in urls} <= set(SERVICES)
    hosts = re.findall(r"host=(\w+):\d+", settings.database_url)
    assert hosts == ["pgbouncer", "primary"]


def test_addresses_agree():
    def address(name):
        return SERVICES[name]["networks"]["default"]["ipv4_address"]

    text = (FOLDER / "backends.vcl").read_text()
    assert re.findall(r'\.host = "(.+)"', text) == [address("node1"), address("node2")]
    purgers = text.partition("acl purgers")[2]
    assert re.findall(r'"(.+)"', purgers) == [address(name) for name in ("node1", "node2", "worker")]
    trusted = Settings.from_env(environment("node1")).trusted_proxies
    assert [str(network) for network in trusted] == [f"{address('varnish')}/32"]


@pytest.mark.skipif(VARNISH is None, reason="Varnish is not installed")
def test_varnish_accepts_the_configuration(tmp_path):
    for path in (TOP / "deploy/varnish/newsapi.vcl", FOLDER / "backends.vcl"):
        shutil.copy(path, tmp_path)
    words = ["-C", "-j", "none", "-n", tmp_path / "data", "-f", tmp_path / "newsapi.vcl"]
    done = subprocess.run([VARNISH, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_accepts_the_configuration(tmp_path):
    for path in (TOP / "deploy/prometheus/newsapi.rules.yml", FOLDER / "prometheus.yml"):
        shutil.copy(path, tmp_path)
    done = subprocess.run(
        [PROMTOOL, "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_scrapes_every_service_of_newsapi_that_stays():
    [job] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    [targets] = [config["targets"] for config in job["static_configs"]]
    port = environment("node1")["NEWSAPI_METRICS_PORT"]
    assert set(targets) == {f"{name}:{port}" for name in NEWSAPI_SERVICES - {"migrate"}}


# --- PostgreSQL and PgBouncer, as their scripts set them up -----------------------------------------------------------


@pytest.fixture(scope="module")
def primary():
    """A server like that of the image, which accepts everybody by its socket and asks for passwords elsewhere."""
    node = Node(free_port())
    try:
        node.start()
        hba = node.data / "pg_hba.conf"
        hba.write_text("local all all trust\nhost all all all scram-sha-256\n")
        programs = servers.postgresql_programs(node.folder) / "bin"
        subprocess.run(
            ["bash", FOLDER / "init-primary.sh"],
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "PGDATA": str(node.data),
                "PGHOST": str(node.folder),
                "PGPORT": str(node.port),
                **PASSWORDS,
            },
            check=True,
        )
        os.kill(node.pid, signal.SIGHUP)
        yield node
    finally:
        node.remove()


def connect(port, password, user="news"):
    parts = f"host=127.0.0.1 port={port} user={user} dbname=news password={password} connect_timeout=2"
    return psycopg.connect(parts, autocommit=True)


def await_answer(port, statement, expected):
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with connect(port, PASSWORDS["DATABASE_PASSWORD"]) as connection:
                if connection.execute(statement).fetchone() == (expected,):
                    return
        except psycopg.Error:
            assert time.monotonic() < until
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_role_of_newsapi_owns_its_database_and_is_no_superuser(primary):
    await_answer(primary.port, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", expected=False)
    with connect(primary.port, PASSWORDS["DATABASE_PASSWORD"]) as connection:
        connection.execute("CREATE TABLE owned ()")
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(primary.port, "other")


def test_the_replica_copies_the_primary_and_follows_it(primary, tmp_path):
    replica = Node(free_port())
    try:
        replica.data.mkdir(mode=0o700)
        (replica.data / "rest-of-an-interrupted-copy").touch()
        if os.geteuid() == 0:
            for path in (replica.folder, replica.data):
                shutil.chown(path, "nobody")
        programs = servers.postgresql_programs(replica.folder) / "bin"
        script = replica.folder / "start-replica.sh"
        shutil.copy(FOLDER / "start-replica.sh", script)
        script.chmod(0o755)
        values = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PGDATA": str(replica.data),
            "PRIMARY_HOST": "127.0.0.1",
            "PRIMARY_PORT": str(primary.port),
            **PASSWORDS,
        }
        options = [f"--port={replica.port}", "--unix_socket_directories=", "--listen_addresses=127.0.0.1"]
        with Program(
            ["bash", script, *options],
            replica.port,
            tmp_path / "replica.log",
            environment=values,
            unprivileged=True,
        ) as program:
            await_answer(replica.port, "SELECT pg_is_in_recovery()", expected=True)
            with connect(primary.port, PASSWORDS["DATABASE_PASSWORD"]) as connection:
                connection.execute("CREATE TABLE streamed AS SELECT 7 AS number")
            await_answer(replica.port, "SELECT number FROM streamed", expected=7)
            program.stop()
            program.start()  # on the copy that is there
            await_answer(replica.port, "SELECT number FROM streamed", expected=7)
    finally:
        replica.remove()


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_pgbouncer_asks_for_the_password_and_passes_it_on(primary, tmp_path):
    port = free_port()
    folder = primary.folder
    text = (FOLDER / "pgbouncer.ini").read_text()
    for old, new in (
        ("host=primary port=5432", f"host=127.0.0.1 port={primary.port}"),
        ("listen_addr = *", "listen_addr = 127.0.0.1"),
        ("listen_port = 6432", f"listen_port = {port}"),
        ("/run/pgbouncer", str(folder)),
    ):
        assert old in text
        text = text.replace(old, new)
    if not knows_prepared_statements():
        text = text.replace("max_prepared_statements", ";max_prepared_statements")
    configuration, script = folder / "pgbouncer.ini", folder / "start-pgbouncer.sh"
    configuration.write_text(text)
    shutil.copy(FOLDER / "start-pgbouncer.sh", script)
    environment = {"PATH": f"{Path(str(PGBOUNCER)).parent}:{os.environ['PATH']}", **PASSWORDS}
    log = tmp_path / "log"
    with Program(["bash", script, configuration], port, log, environment=environment, unprivileged=True):
        await_answer(port, "SELECT 1", expected=1)
        with pytest.raises(psycopg.OperationalError, match=r"password|SASL"):
            connect(port, "other")
    assert (folder / "users.txt").stat().st_mode & 0o077 == 0
