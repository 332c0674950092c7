"""What the sanitizer knows of a body, and what it reports: removals, and the audio and video files that it found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from newsapi.text.embeds import resolve_web_url

MAX_DETAIL_CHARACTERS: Final = 200
"""Length of the detail of a removal; a longer one is cut off."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Content of one kind that was removed from a body, or replaced by a link.

    Attributes:
        kind: The kind, such as "script", "style", "form", "embed", "image" or "link".
        detail: The first one: its URL if it has one, else the name of its element.
        count: How many there were.
    """

    kind: str
    detail: str
    count: int


class BodyMediaSource(NamedTuple):
    """A file of a video or audio: its URL, and its media type if the body names it."""

    url: str
    type: str | None


@dataclass(frozen=True, slots=True)
class BodyMedia:
    """A video or audio of a body.

    Attributes:
        kind: "audio" or "video".
        sources: The files, the first one as good as any other.
        poster: The URL of a still image.
        captions: Language tag and URL of each file of subtitles.
        caption: The caption as plain text.
    """

    kind: str
    sources: tuple[BodyMediaSource, ...]
    poster: str | None = None
    captions: tuple[tuple[str, str], ...] = ()
    caption: str | None = None


@dataclass(slots=True)
class HtmlContext:
    """The context of a body that is being sanitized.

    Attributes:
        base: The URL that its relative links are resolved against.
        embed_hosts: The hosts that it may embed.
        unclosed: Names of elements that are opened more often than closed; content after them may seem to be inside.
        media: The video and audio found so far.
    """

    base: str
    embed_hosts: frozenset[str]
    unclosed: frozenset[str] = frozenset()
    media: list[BodyMedia] = field(default_factory=list)
    _removals: dict[str, tuple[str, int]] = field(default_factory=dict)

    def remove(self, kind: str, detail: str) -> None:
        """Record that content was removed or replaced by a link."""
        first, count = self._removals.get(kind, (detail[:MAX_DETAIL_CHARACTERS], 0))
        self._removals[kind] = (first, count + 1)

    def removals(self) -> tuple[Removal, ...]:
        """Return what was removed, by kind, in the order of the first ones."""
        return tuple(Removal(kind, detail, count) for kind, (detail, count) in self._removals.items())

    def first_url(self, values: Iterable[str | None]) -> str | None:
        """Return the first of several attribute values that is a web URL, as an absolute URL."""
        urls = (resolve_web_url(value.strip(), base=self.base) for value in values if value and value.strip())
        return next(filter(None, urls), None)
