"""Run faults and print one table of what was measured: `python -m tests.faults [ID ...]`.

Each fault is a run of pytest in a process of its own, with a limit of time. Tests report figures and controls with
pytest's `record_property`; a fault whose tests report none is described by their number.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import click

from tests.faults.catalog import FAULTS, Fault
from tests.support import servers

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/operate/faults.md"
PART = re.compile(r"(<!-- faults -->\n).*?(<!-- /faults -->)", re.DOTALL)
STOP_SECONDS = 20.0
OUTPUT_LINES = 40
HEAD = "| id | fault | expected | measured | control | verdict |\n| --- | --- | --- | --- | --- | --- |"


class Outcome(NamedTuple):
    """What came of a fault; `output` is the end of what pytest printed if it did not hold."""

    fault: Fault
    measured: str
    control: str
    verdict: str
    seconds: float
    output: str = ""

    def row(self) -> str:
        """Return the row of the table."""
        cells = (self.fault.id, self.fault.title, self.fault.expected, self.measured, self.control, self.verdict)
        return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def run(fault: Fault, seed: int, environment: Mapping[str, str]) -> Outcome:
    """Run the tests of a fault, with more environment variables; end them when its time is over."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]
        command += [f"--junitxml={report}", f"--randomly-seed={seed}", f"--timeout={fault.seconds}"]
        command += [str(TESTS / test) for test in fault.tests]
        began_at = time.monotonic()
        with (Path(folder) / "output").open("w+b") as output:
            process = subprocess.Popen(
                command,
                cwd=TESTS.parent,
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            is_late = _wait(process, fault.seconds)
            output.seek(0)
            printed = b"\n".join(output.read().splitlines()[-OUTPUT_LINES:]).decode(errors="replace")
        seconds = time.monotonic() - began_at
        if is_late or not report.exists():
            reason = f"not finished within {fault.seconds} s" if is_late else f"pytest ended with {process.returncode}"
            return Outcome(fault, reason, "", "failed", seconds, printed)
        return _outcome(fault, ET.parse(report).getroot(), seconds, printed)


def _run_aloud(fault: Fault, seed: int, environment: Mapping[str, str], number: str) -> Outcome:
    """Run a fault and report its progress on standard error."""
    click.echo(f"{number} {fault.id} {fault.title} ... ", nl=False, err=True)
    outcome = run(fault, seed, environment)
    click.echo(f"{outcome.verdict}, {outcome.seconds:.0f} s", err=True)
    if outcome.output:
        click.echo(outcome.output, err=True)
    return outcome


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for a process; interrupt it and what it started if it takes longer, and return whether it did."""
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # pytest leaves its fixtures, which stop servers
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return True


def _outcome(fault: Fault, report: ET.Element, seconds: float, printed: str) -> Outcome:
    cases = list(report.iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    figures = {name: _properties(cases, name) for name in ("measured", "control")}
    passed = len(cases) - len(failed) - len(skipped)
    counted = f"{passed} of {len(cases)} tests" + (f", {len(skipped)} skipped" if skipped else "")
    measured = "; ".join([*figures["measured"], counted])
    verdict = "failed" if failed or not cases else "holds" if passed else "not run"
    return Outcome(
        fault, measured, "; ".join(figures["control"]), verdict, seconds, printed if verdict == "failed" else ""
    )


def _properties(cases: list[ET.Element], name: str) -> list[str]:
    """Return the values of a property in the order of the tests in their files."""
    ordered = sorted(cases, key=lambda case: (case.get("file", ""), int(case.get("line", "0")), case.get("name", "")))
    return [
        f"{_variant(case)}{found.get('value', '')}"
        for case in ordered
        for found in case.iter("property")
        if found.get("name") == name
    ]


def _variant(case: ET.Element) -> str:
    """Return the parameters of a test, such as its database, as a prefix."""
    _, bracket, parameters = case.get("name", "").partition("[")
    return f"{parameters.rstrip(']')}: " if bracket else ""


def _with_rows(page: str, rows: Mapping[str, str]) -> str:
    """Return the page with these rows in its table, in the order of the list; rows of other faults stay."""
    part = PART.search(page)
    lines = part[0].splitlines() if part else []
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")} | rows
    table = "\n".join([HEAD, *(rows[fault.id] for fault in FAULTS if fault.id in rows)])
    return PART.sub(lambda match: f"{match[1]}{table}\n{match[2]}", page)


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--seed", default=7, show_default=True, help="Seed of the order of tests and of random numbers.")
@click.option("--write", is_flag=True, help="Write the rows into docs/operate/faults.md as well.")
def main(ids: tuple[str, ...], seed: int, *, write: bool) -> None:
    """Run all faults, or those with the given IDs, one after the other, and print a table."""
    known = {fault.id: fault for fault in FAULTS}
    if unknown := [name for name in ids if name not in known]:
        raise click.UsageError(f"unknown: {' '.join(unknown)}; there are {' '.join(known)}")
    chosen = [known[name] for name in ids] or list(FAULTS)
    with servers.postgresql() as database, servers.valkey() as redis:
        shared = {servers.DATABASE: database, servers.REDIS: redis}
        outcomes = [_run_aloud(fault, seed, shared, f"{n}/{len(chosen)}") for n, fault in enumerate(chosen, 1)]
    rows = {outcome.fault.id: outcome.row() for outcome in outcomes}
    click.echo("\n".join([HEAD, *rows.values()]))
    click.echo(f"\nSeed {seed}, {os.cpu_count()} cores, load {os.getloadavg()[2]:.1f} (mean of 15 minutes).")
    if write:
        PAGE.write_text(_with_rows(PAGE.read_text(), rows))
    sys.exit(any(outcome.verdict == "failed" for outcome in outcomes))


if __name__ == "__main__":
    main()
