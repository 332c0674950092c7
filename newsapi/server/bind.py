"""The address on which the server listens."""

from __future__ import annotations

import errno
import socket

from newsapi.settings import SettingError, Settings


def bind_address(settings: Settings) -> str:
    """Return the numeric address to listen on, after binding the port once as a check.

    Args:
        settings: Their `host` and `port`.

    Returns:
        An IPv4 or IPv6 address.

    Raises:
        SettingError: The host cannot be resolved, the port is in use, or this process may not listen on it.
    """
    try:
        family, _, _, _, socket_address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        socket.create_server(socket_address[:2], family=family).close()
    except socket.gaierror as error:
        raise SettingError("NEWSAPI_HOST", "cannot be resolved to an address of this machine") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"is set to {settings.port}, which is in use; choose another port"
            raise SettingError("NEWSAPI_PORT", reason) from error
        raise SettingError("NEWSAPI_HOST", f"and NEWSAPI_PORT cannot be listened on: {error.strerror}") from error
    return str(socket_address[0])
