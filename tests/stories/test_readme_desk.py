"""The tour of the desk in the README, word for word, in a shell, against a demo that runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.conftest import environ

README = (Path(__file__).parents[2] / "README.md").read_text()
TOUR = README.partition("## At the desk")[2].partition("\n## ")[0]
SETUP = re.findall(r"```sh\n(.*?)```", TOUR, re.DOTALL)[1]
STEPS = [
    (name, command.replace("\\|", "|"))  # as Markdown has it inside a table
    for name, command in re.findall(r"^\| (.+?) \| `(.+)` \|$", TOUR, re.MULTILINE)
]


@pytest.fixture
def shell(serve):
    """Runs commands one after the other, after those that set the tour up; answers what each printed."""
    with serve("demo") as served:
        folder = served._printed.parent
        path = f"{Path(sys.executable).parent}:{environ()['PATH']}"
        setup = SETUP.replace("http://127.0.0.1:8000", served.base)

        def shell(commands):
            script = "\n".join(["set -eu", setup, *(f"{command}; echo; echo ----" for command in commands)])
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=folder,
                env=environ(PATH=path, http_proxy="", no_proxy="*"),
                capture_output=True,
                text=True,
                timeout=50,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return [json.loads(text) for text in done.stdout.split("----\n")[:-1]]

        yield shell


def test_the_tour_is_walked_from_the_draft_to_the_withdrawal(shell):
    assert len(STEPS) >= 8
    told = dict(zip((name for name, _ in STEPS), shell([command for _, command in STEPS]), strict=True))
    status = {name: answer["data"].get("status") for name, answer in told.items() if isinstance(answer["data"], dict)}
    assert status["draft"] == "draft"
    assert status["schedule"] == "scheduled"
    assert status["publish now"] == "published"
    assert status["withdraw"] == "withdrawn"
    assert told["correct"]["data"]["corrections"][0]["text"] == "Il nome era incompleto."
    assert told["correct"]["data"]["byline"]
    assert "preview=see_" in told["show it to somebody without a key"]["data"]["api_url"]
    assert told["send an archive, here the whole of it again"]["data"]["state"] == "queued"
    assert [one["number"] for one in told["see who did what"]["data"]] == [4, 3, 2, 1]
    assert told["pick what is read next"]["data"]["slugs"] == ["range-rover-velar-in-arrivo-il-nuovo-suv-coupe"]
