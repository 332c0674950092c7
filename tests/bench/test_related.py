"""The benchmark of related lists runs whole on a tiny archive."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_every_figure_of_related_lists_is_measured(tmp_path):
    options = ["--sizes", "300", "--databases", "sqlite", "--lists", "4", "--keep", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "bench.related", *options], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[3].strip() for line in done.stdout.splitlines() if line.startswith("| sqlite | 300 |")]
    assert rows == [
        "computed",
        "stored",
        "index update after a publication",
        "instructions and pages of a computed list",
        "bytes per article",
        "articles indexed per second",
    ]
