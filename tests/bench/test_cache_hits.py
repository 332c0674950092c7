import shutil

import pytest
from click.testing import CliRunner

from bench import cache_hits

LOADS = (
    "bare application",
    "hit",
    "hit, 304",
    "hit in Redis, memory cold",
    *(
        f"{kind}, {database}{processes}"
        for database in ("SQLite", "PostgreSQL")
        for kind, processes in (("miss", ""), ("built", ""), ("built", ", 2 processes"), ("built article page", ""))
    ),
)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")
def test_every_load_is_measured():
    result = CliRunner().invoke(cache_hits.main, ["--articles", "120", "--seconds", "1", "--rounds", "1"])
    assert result.exit_code == 0, result.output
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in result.stdout.splitlines()[2:]}
    assert set(LOADS) <= set(rows)
    for name in LOADS:
        rate, ratio, _, p50, p99, cpu = rows[name].removesuffix(" |").split(" | ")[1:]
        assert min(float(figure.replace(",", "")) for figure in (rate, p50, p99, cpu)) > 0, rows[name]
        assert float(ratio) >= 0
