"""Where the server listens."""

from __future__ import annotations

import errno
import socket

from newsapi.settings import BadSetting, Settings


def free_address(settings: Settings) -> str:
    """Answer the numeric address to listen on.

    Raises BadSetting where there is none of that name, somebody listens there already, or it is not ours to listen on.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        socket.create_server(place[:2], family=family).close()
    except socket.gaierror as error:
        raise BadSetting("NEWSAPI_HOST", "is not an address of this machine") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadSetting("NEWSAPI_PORT", f"names a port that is in use, {settings.port}; choose another") from error
        raise BadSetting("NEWSAPI_HOST", f"and NEWSAPI_PORT cannot be listened on: {error.strerror}") from error
    return str(place[0])
