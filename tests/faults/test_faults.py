"""The list of faults names tests that exist, and its program tells what holds from what does not."""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.faults.__main__ import HEAD, PAGE, TESTS, _outcome, _with_rows, run
from tests.faults.catalog import FAULTS, Fault

FAULT = Fault("X01", "a fault", "it holds", ("x.py",), seconds=60)
PASSED = '<testcase name="a[sqlite]"><properties><property name="measured" value="0 lost"/></properties></testcase>'
CONTROL = '<testcase name="b"><properties><property name="control" value="5 lost"/></properties></testcase>'
FAILED = '<testcase name="c"><failure/></testcase>'
SKIPPED = '<testcase name="d"><skipped/></testcase>'


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_every_test_of_the_list_exists(fault):
    for name in fault.tests:
        path, _, function = name.partition("::")
        text = (TESTS / path).read_text()
        assert f"def {function}(" in text if function else "def test_" in text


def test_each_fault_has_one_entry():
    assert len({fault.id for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize(
    ("cases", "verdict", "measured", "control"),
    [
        (PASSED + CONTROL, "holds", "sqlite: 0 lost; 2 of 2 tests", "5 lost"),
        (PASSED + FAILED, "failed", "sqlite: 0 lost; 1 of 2 tests", ""),
        (SKIPPED, "not run", "0 of 1 tests, 1 skipped", ""),
        ("", "failed", "0 of 0 tests", ""),
    ],
)
def test_figures_and_verdict_come_from_the_report(cases, verdict, measured, control):
    outcome = _outcome(FAULT, ET.fromstring(f"<testsuites><testsuite>{cases}</testsuite></testsuites>"), 1.0, "")
    assert (outcome.verdict, outcome.measured, outcome.control) == (verdict, measured, control)


@pytest.mark.long
def test_a_fault_that_takes_too_long_is_ended_and_failed(tmp_path):
    path = tmp_path / "test_endless.py"
    path.write_text("import time\n\ndef test_endless():\n    time.sleep(1000)\n")
    outcome = run(Fault("X02", "", "", (str(path),), seconds=15), seed=7, environment={})
    assert (outcome.verdict, outcome.measured) == ("failed", "not finished within 15 s")
    assert outcome.seconds < 60


def test_rows_of_a_run_replace_those_of_the_same_faults_and_others_stay():
    page = f"text\n<!-- faults -->\n{HEAD}\n| F01 | old |\n| F06 | old |\n<!-- /faults -->\nmore"
    changed = _with_rows(page, {"F06": "| F06 | new |", "D01": "| D01 | new |"})
    rows = "| F01 | old |\n| F06 | new |\n| D01 | new |"
    assert changed == f"text\n<!-- faults -->\n{HEAD}\n{rows}\n<!-- /faults -->\nmore"


def test_the_page_has_the_columns_of_the_program():
    [part] = re.findall(r"<!-- faults -->\n(.*?)<!-- /faults -->", PAGE.read_text(), re.DOTALL)
    assert part.startswith(HEAD)
