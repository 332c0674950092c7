"""`openapi.yaml` is written by the code and by nobody else."""

from pathlib import Path

from click.testing import CliRunner

from newsapi.cli.main import main


def test_the_document_in_the_repository_is_the_one_the_code_writes():
    written = CliRunner().invoke(main, ["openapi"]).output
    assert (Path(__file__).parents[2] / "openapi.yaml").read_text() == written, "run `make openapi`"
