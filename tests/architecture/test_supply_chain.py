"""Locked packages install equally everywhere and are in the bill of materials; the secret scan finds new secrets."""

import hashlib
import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

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


def run_pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    result = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def checksums(environment):
    """Return the checksums of all installed files, except those that contain the path or time of the installation."""
    (packages,) = environment.glob("lib/*/site-packages")
    changing = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
    return {
        path.relative_to(packages): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in packages.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name not in changing
    }


@pytest.mark.long
def test_two_installations_from_the_lock_without_a_network_are_equal(tmp_path):
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("pip is not installed in this environment")
    exact = ["--require-hashes", "--only-binary", ":all:", "-r", "requirements.lock"]
    run_pip("download", "--quiet", "--dest", tmp_path / "wheels", *exact)
    installed = []
    for name in ("first", "second"):
        venv.create(tmp_path / name)
        offline = ["--no-index", "--find-links", tmp_path / "wheels"]
        run_pip("--python", tmp_path / name / "bin/python", "install", "--quiet", "--no-compile", *offline, *exact)
        installed.append(checksums(tmp_path / name))
    assert installed[0] == installed[1]
    assert len(installed[0]) > 1_000
