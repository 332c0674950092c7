"""The document as those judge it who lint documents: every rule, no warning."""

from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "openapi.yaml"

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_spectral_has_nothing_to_say(run):
    rules = Path(__file__).parent / ".spectral.yaml"
    said = run("spectral", "lint", "--ruleset", rules, "--fail-severity", "hint", DOCUMENT).stdout
    assert "No results" in said


def test_redocly_has_nothing_to_say(run):
    done = run("redocly", "lint", "--extends", "recommended-strict", "--format", "json", DOCUMENT)
    assert '"warnings": 0' in done.stdout, done.stdout
    assert '"errors": 0' in done.stdout, done.stdout
