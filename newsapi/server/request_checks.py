"""Checks of the request line and the `Host` header that granian leaves to the application."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from newsapi.server.rsgi import RequestHead

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?", re.ASCII)

VERSIONS_WITHOUT_HOST: Final = frozenset({"1", "1.0"})
"""Values of `http_version` for which a request may lack a `Host` header."""


def refusal_status(scope: RequestHead) -> int:
    """Return the status with which a request is refused before anything else is looked at; 0 if it is not.

    A request without a `Host` header, with two of them or with an invalid one is 400 (RFC 9112, section 3.2). Methods
    are case-sensitive (RFC 9110, section 9.1): `get` is no method that this server knows, and is 501, as is CONNECT.
    Other unknown methods are 405, with the methods of the path.

    Args:
        scope: The head of the request.
    """
    method = scope.method
    if method not in _METHODS and (method == "CONNECT" or method != method.upper()):
        return HTTPStatus.NOT_IMPLEMENTED
    hosts = scope.headers.get_all("host")
    if len(hosts) == 1:
        return 0 if _HOST.fullmatch(hosts[0]) else HTTPStatus.BAD_REQUEST
    return 0 if not hosts and scope.http_version in VERSIONS_WITHOUT_HOST else HTTPStatus.BAD_REQUEST
