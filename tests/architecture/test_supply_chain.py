"""The bill of materials names every locked package, and the secret scan finds what the baseline does not list."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.test_files import TOP

TOOLS = Path(sys.executable).parent
PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)", re.MULTILINE)


def run_make(*arguments):
    return subprocess.run(["make", *arguments], cwd=TOP, capture_output=True, text=True, check=False)


def test_bill_of_materials_names_each_locked_package_with_its_hashes():
    result = run_make("sbom")
    assert result.returncode == 0, result.stderr
    components = json.loads((TOP / "build/sbom.json").read_text())["components"]
    assert {(c["name"], c["version"]) for c in components} == set(PIN.findall((TOP / "requirements.lock").read_text()))
    assert all(c["externalReferences"][0]["hashes"] for c in components)


def scan(*paths):
    return subprocess.run(
        [TOOLS / "detect-secrets-hook", "--baseline", TOP / ".secrets.baseline", *paths],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )


def test_secret_scan_finds_a_key_that_the_baseline_does_not_list(tmp_path):
    # Written in two parts, so that the scan of this file finds nothing.
    key = tmp_path / "settings.py"
    key.write_text('KEY_ID = "AKIA' + 'QWERTZUIOPASDFGH"\n')
    result = scan(key)
    assert result.returncode == 1
    assert "AWS Access Key" in result.stdout
    key.write_text('KEY_ID = "none"\n')
    assert scan(key).returncode == 0
