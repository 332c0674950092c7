"""HTTP requests to servers that the settings name: a CDN, a WebSub hub."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import Final

TIMEOUT_SECONDS: Final = 3.0
"""Seconds that another server may take to connect, and to respond."""

REFUSAL_STATUSES: Final = frozenset({400, 406, 409, 410, 411, 413, 414, 415, 422, 431})
"""Statuses by which a server says that it will never accept this request, while it may accept others."""


TOO_MANY_REQUESTS: Final = 429


class RequestRefused(OSError):
    """The server refused this request; another one may succeed."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server refused the request with status {status}")


class RequestLimited(OSError):
    """The server accepts no more requests for the moment."""

    def __init__(self) -> None:
        super().__init__(f"the server limits the rate of requests (status {TOO_MANY_REQUESTS})")


class _NoRedirectHandler(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects: urllib would turn the request into a GET and pass on the token."""

    def redirect_request(self, *_args: object) -> None:
        """Return None, so that the redirect status is raised as an error."""


_OPENER: Final = urllib.request.build_opener(_NoRedirectHandler)


def send_request(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> None:
    """Send one request to a server that the settings name.

    Args:
        method: The HTTP method.
        url: An `http` or `https` URL.
        headers: The request headers.
        body: The request body, if any.

    Raises:
        RequestRefused: The server refused this request.
        RequestLimited: The server accepts no more requests for the moment.
        HTTPError: The server responded with another status.
        OSError: The server did not respond.
    """
    request = urllib.request.Request(url, method=method, headers=headers, data=body)  # noqa: S310 (Settings accepts only http and https)
    try:
        _OPENER.open(request, timeout=TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in REFUSAL_STATUSES:
            raise RequestRefused(error.code) from error
        if error.code == TOO_MANY_REQUESTS:
            raise RequestLimited from error
        raise
    except http.client.HTTPException as error:
        raise OSError(f"the response is not HTTP: {error!r}") from error
