"""What others are told once every node knows it: gathered until its moment, sent as one, and kept where that fails."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from newsapi.store.places import Point

TIMEOUT: Final = 3.0
"""Seconds that another server may take to connect, and to answer."""


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """What is led elsewhere is not done: a redirect would turn it into a GET, and carry a token along."""

    def redirect_request(self, *_args: Any) -> None:
        """Lead nowhere: the status is an error then."""


_OPENER: Final = urllib.request.build_opener(_NoDetour)


def send(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> None:
    """Send one request to a server that the settings name; whatever is not answered by 2xx raises OSError."""
    request = urllib.request.Request(url, method=method, headers=headers, data=body)  # noqa: S310 (Settings takes http and https alone)
    _OPENER.open(request, timeout=TIMEOUT).close()


@dataclass(slots=True)
class Round:
    """Words that are to go together, up to which change, and when (of a clock that never goes back)."""

    told: set[str]
    end: Point
    due: float


class Rounds:
    """Words that wait for their moment."""

    def __init__(self, tell: Callable[[Collection[str]], None], clock: Callable[[], float]) -> None:
        """Take who tells them, which may raise, and the clock that says when."""
        self._tell = tell
        self._clock = clock
        self._waiting: list[Round] = []

    def forget(self) -> None:
        """Drop all of them."""
        self._waiting.clear()

    def add(self, told: Collection[str], end: Point, wait: float) -> None:
        """Have these words told in so many seconds; `end` is the change that is done with then."""
        self._waiting.append(Round(set(told), end, self._clock() + wait))

    def sent(self) -> Round | None:
        """Tell what is due, as one; answer it, or None. What fails stays, as one."""
        now = self._clock()
        due = [one for one in self._waiting if one.due <= now]
        if not due:
            return None
        told = set().union(*(one.told for one in due))
        whole = Round(told, due[-1].end, max(one.due for one in due))
        self._waiting[: len(due)] = [whole]
        self._tell(whole.told)
        del self._waiting[0]
        return whole
