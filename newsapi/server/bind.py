"""The address on which the server listens."""

from __future__ import annotations

import errno
import socket
import time
from typing import Final

from newsapi.settings import SettingError, Settings

PORT_TIMEOUT_SECONDS: Final = 4.0
"""Seconds to wait for a port that is in use."""

PORT_RETRY_SECONDS: Final = 0.1


def bind_address(settings: Settings) -> str:
    """Return the numeric address to listen on, after binding the port once as a check.

    Args:
        settings: Their `host` and `port`.

    Returns:
        An IPv4 or IPv6 address.

    Raises:
        SettingError: The host cannot be resolved, the port stays in use, or this process may not listen on it.
    """
    try:
        family, _, _, _, socket_address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        _bind_once((str(socket_address[0]), settings.port), family)
    except socket.gaierror as error:
        raise SettingError("NEWSAPI_HOST", "cannot be resolved to an address of this machine") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"is set to {settings.port}, which is in use; choose another port"
            raise SettingError("NEWSAPI_PORT", reason) from error
        raise SettingError("NEWSAPI_HOST", f"and NEWSAPI_PORT cannot be listened on: {error.strerror}") from error
    return str(socket_address[0])


def _bind_once(address: tuple[str, int], family: socket.AddressFamily) -> None:
    """Bind and close a socket; wait for a port in use, because the processes of a killed supervisor need time to end.

    Raises:
        OSError: The address cannot be bound.
    """
    deadline = time.monotonic() + PORT_TIMEOUT_SECONDS
    while True:
        try:
            socket.create_server(address, family=family).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise
            time.sleep(PORT_RETRY_SECONDS)
        else:
            return
