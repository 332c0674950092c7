"""The benchmark of imports runs whole on a tiny archive."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_every_step_of_an_import_is_measured():
    done = subprocess.run(
        [sys.executable, "-m", "bench.imports", "--articles", "50", "--databases", "sqlite"],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    summaries = [line for line in lines if "a million articles" in line]
    names = ["bare lines", "first import", "second import", "both indexes", "import, followed by both indexes"]
    assert [name for _, name, *_ in rows] == names
    for _, name, rate, cpu, server_cpu, *_ in rows:
        assert float(rate.replace(",", "")) > 0, name
        assert float(cpu) > 0, name
        assert float(server_cpu) == 0, name
    ways = [summary.partition(": ")[0] for summary in summaries]
    assert ways == ["sqlite, import, then both indexes", "sqlite, import, followed by both indexes"]
