"""The Markdown files of the project, and what is in them: fenced blocks, links, anchors."""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).parents[2].resolve()
FOLDERS = ("docs", "examples", ".github")
_PATHS = [*TOP.glob("*.md"), *(path for folder in FOLDERS for path in (TOP / folder).rglob("*.md"))]
PATHS = sorted(path for path in _PATHS if "node_modules" not in path.parts)
PAGES = {path.relative_to(TOP).as_posix(): path.read_text() for path in PATHS}
"""The text of each file, by its path."""

_FENCE = re.compile(
    r"(?:^ *<!-- test: (?P<how>[\w ]+) -->\n)?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block. `how` is what the comment before it says of running it; empty without one."""

    page: str
    language: str
    text: str
    how: str
    start: int
    end: int

    @property
    def name(self):
        """The page and the line of the block, for reports."""
        line = PAGES[self.page].count("\n", 0, self.start) + 1
        return f"{self.page}:{line}"


def _blocks(page, text):
    for match in _FENCE.finditer(text):
        yield Block(page, match["language"], textwrap.dedent(match["text"]), match["how"] or "", *match.span())


BLOCKS = [block for page, text in PAGES.items() for block in _blocks(page, text)]


def blocks(language, how=""):
    """The blocks of one language that are to be run in one way."""
    return [block for block in BLOCKS if (block.language, block.how) == (language, how)]


def commands(block):
    """The commands of a shell block, without comments."""
    text = block.text.replace("\\\n", " ")
    return [line for row in text.splitlines() if (line := re.split(r"(?:^|\s)#\s", row)[0].strip())]


def prose(text):
    """A page without its fenced blocks and inline code, neither of which has links."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))


def links(text):
    """Where the links and images of a page lead."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(text))


def anchors(text):
    """The anchors of a page's headings, as forges make them."""
    found = []
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.append(f"{anchor}-{found.count(anchor)}" if anchor in found else anchor)
    return set(found)
