"""WordPress of Debian behind nginx and PHP-FPM, with the articles loaded by its own functions."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from bench.cache_hits import free_port
from bench.peers.mariadb import MariaDB, mariadb
from bench.peers.sites import ARTICLE, DEEP, LIST, PAGE_SIZE, SEARCH, Corpus, Site, connect, running

SOURCE = Path("/usr/share/wordpress")
PHP = "/usr/bin/php"
LOADER = Path(__file__).with_name("wordpress_load.php")
FIELDS = "id,slug,link,date_gmt,modified_gmt,title,excerpt,author,categories,tags,_links,_embedded"
CONFIG = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', '{user}'); define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
define('AUTH_KEY', 'bench'); define('DISABLE_WP_CRON', true); define('WP_HTTP_BLOCK_EXTERNAL', true);
define('WP_AUTO_UPDATE_CORE', false); define('WP_HOME', '{url}'); define('WP_SITEURL', '{url}');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
# The pool of Debian's php-fpm with its numbers of processes.
FPM = """
[global]
error_log = {folder}/fpm.log
daemonize = no
[www]
user = www-data
group = www-data
listen = {socket}
listen.owner = www-data
pm = dynamic
pm.max_children = 5
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
"""
NGINX = """
user www-data; worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 1000000000; include /etc/nginx/mime.types;
  server {{ listen 127.0.0.1:{port}; root {root}; index index.php;
    location / {{ try_files $uri $uri/ /index.php?$args; }}
    location ~ \\.php$ {{ include /etc/nginx/fastcgi.conf; fastcgi_pass unix:{socket}; }} }} }}
"""


@contextmanager
def wordpress(folder: Path, corpus: Corpus) -> Iterator[dict[str, Site]]:
    """Run a copy of Debian's WordPress on MariaDB; its files are copied to the folder first."""
    data, port = folder / f"data-{corpus.size}", free_port()
    root, socket, url = data / "root", data / "fpm.sock", f"http://127.0.0.1:{port}"
    if not root.exists():
        shutil.copytree(SOURCE, root, ignore_dangling_symlinks=True, ignore=lambda *_: ["wp-config.php"])
    with mariadb(data) as database:
        database.create("wordpress")
        (root / "wp-config.php").write_text(CONFIG.format(user=database.user, socket=database.socket, url=url))
        _load(data, root, corpus)
        values = {"folder": data, "port": port, "root": root, "socket": socket}
        for name, text in (("fpm.conf", FPM), ("nginx.conf", NGINX)):
            (data / name).write_text(text.format(**values))
        fpm = [_php_fpm(), "--nodaemonize", "--fpm-config", data / "fpm.conf"]
        nginx = ["nginx", "-p", data, "-c", data / "nginx.conf"]
        with (
            running(fpm, data, {}, ready=socket.stat) as fpm_id,
            running(nginx, data, {}, ready=connect(port)) as nginx_id,
        ):
            process_ids = [fpm_id, nginx_id, database.process_id]
            yield {"WordPress": Site(url, _version(root, database), _paths(corpus), _slugs, process_ids)}


def _slugs(body: Any) -> list[str]:
    return [post["slug"] for post in body]


def _paths(corpus: Corpus) -> Mapping[str, str]:
    def posts(**parameters: object) -> str:
        shown = {"rest_route": "/wp/v2/posts", "_embed": "author,wp:term"}
        return f"/index.php?{urlencode(shown | parameters)}"

    return {
        LIST: posts(per_page=PAGE_SIZE, _fields=FIELDS),
        ARTICLE: posts(slug=corpus.newest_first[0]),
        DEEP: posts(per_page=PAGE_SIZE, _fields=FIELDS, page=corpus.deep_page),
        SEARCH: posts(per_page=PAGE_SIZE, _fields=FIELDS, search=corpus.word),
    }


def _load(data: Path, root: Path, corpus: Corpus) -> None:
    loaded = data / "loaded"
    if not loaded.exists():
        (data / "records").write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in corpus.records))
        subprocess.run([PHP, "-d", "memory_limit=2G", LOADER, root, data / "records"], check=True)
        loaded.touch()


def _php_fpm() -> str:
    """Return the path of Debian's php-fpm, which carries its version in its name."""
    return str(max(Path("/usr/sbin").glob("php-fpm*"), default="php-fpm"))


def _version(root: Path, database: MariaDB) -> str:
    code = f"require '{root}/wp-includes/version.php'; echo \"WordPress $wp_version, PHP \" . PHP_VERSION;"
    done = subprocess.run([PHP, "-r", code], capture_output=True, text=True, check=True)
    return f"{done.stdout}, {database.version}"
