import pytest
from click.testing import CliRunner

from bench import overload
from bench.overload import FACTORS, READS

LEAST_GOODPUT = 0.8
RECOVERY_SECONDS = 5.0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_goodput_holds_at_five_times_the_capacity(record_property):
    """With its own server on a machine that others use: a share of the peak of the same run, not a rate."""
    result = CliRunner().invoke(overload.main, ["--articles", "2000", "--seconds", "6"])
    assert result.exit_code == 0, result.output
    tables = [part for part in result.stdout.split("\n\n") if part.startswith("| load")]
    assert len(tables) == len(READS)
    recoveries = [float(line.split()[2]) for line in result.stdout.splitlines() if line.startswith("recovery after")]
    for name, table, recovery in zip(READS, tables, recoveries, strict=True):
        rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
        assert [float(row[0]) for row in rows] == list(FACTORS)
        _, offered, goodput, of_peak, _, _, refused_p99, failed, lost, hit_p99, _ = rows[-1]
        record_property(
            "measured",
            f"{name}: {goodput} of {offered} reads/s, {of_peak} of peak;"
            f" refusals p99 {refused_p99} ms; hits: {lost} lost,"
            f" p99 {hit_p99} ms; recovery {recovery} s",
        )
        record_property("control", f"{name}: {rows[-1][5]} refused each second")
        assert float(rows[-1][5]) > 0, "it was never overloaded"
        assert int(failed) == 0
        assert lost.startswith("0 of")
        assert float(of_peak.rstrip("%")) / 100 >= LEAST_GOODPUT
        assert recovery <= RECOVERY_SECONDS
