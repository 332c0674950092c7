"""Applications for tests.

Building the routes and the OpenAPI document of an application takes 0.1 s of CPU time. The routes do not depend on
the database, so an application of an earlier test is used again with services of its own (`create_services`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from flask import Flask

from newsapi.app import create_app, create_services
from newsapi.settings import Settings

IDLE: dict[tuple[str, str | None], list[Flask]] = {}
"""Applications that no test uses, by the settings that their OpenAPI document shows."""


class ApplicationPool:
    """Lends applications, each with new services; `close` closes the services and takes the applications back."""

    def __init__(self) -> None:
        self._lent: list[tuple[Flask, Settings, Callable[[], object]]] = []

    def lend(self, settings: Settings) -> Flask:
        """Return an application for these settings, with empty caches and connected to nothing yet."""
        idle = IDLE.setdefault(_key(settings), [])
        if idle:
            app = idle.pop()
            app.extensions |= create_services(settings)
        else:
            app = create_app(settings)
        self._lent.append((app, settings, app.extensions["newsapi"].close))
        return app

    def close(self) -> None:
        """Close the services of all lent applications and keep the applications for later tests."""
        while self._lent:
            app, settings, close_services = self._lent.pop()
            close_services()
            IDLE[_key(settings)].append(app)


def stop_clock(app: Flask, now: Callable[[], datetime]) -> None:
    """Let an application take the time from `now`, and let every read ask the changelog first."""
    services = replace(app.extensions["newsapi"], now=now, clock=lambda _: now())
    services.response_cache.follower.max_staleness = 0
    app.extensions["newsapi"] = services


@contextmanager
def application(settings: Settings) -> Iterator[Flask]:
    """Lend one application."""
    pool = ApplicationPool()
    try:
        yield pool.lend(settings)
    finally:
        pool.close()


def _key(settings: Settings) -> tuple[str, str | None]:
    return settings.api_url, settings.publisher
