"""The benchmark of search runs on a tiny archive as on large ones."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_every_kind_of_search_is_measured(tmp_path):
    plot = tmp_path / "search.svg"
    options = ["--sizes", "300", "--databases", "sqlite", "--count", "3", "--rounds", "0", "--keep", tmp_path]
    options += ["--plot", plot]
    done = subprocess.run(
        [sys.executable, "-m", "bench.search", *options], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    timed = {name: figures for _, _, name, *figures in rows if "per" not in name}
    assert {"a list of 20", "one common word, facets", "articles, q=", "suggest", "nothing found"} < {*timed}
    drawn = plot.read_text()
    for name, (p50, p99, cpu_p50, cpu_p99, statements) in timed.items():
        assert 0 < float(p50) <= float(p99), name
        assert 0 < float(cpu_p50) <= float(cpu_p99), name
        assert f">{name}<" in drawn, name
        assert 1 <= float(statements) <= 6, name  # the position of the read; items in memory need no more
    sizes = {name: float(figures[0].replace(",", "")) for _, _, name, *figures in rows if "per" in name}
    assert sizes["bytes per article"] > 100
    assert sizes["articles indexed per second of CPU"] > 0
