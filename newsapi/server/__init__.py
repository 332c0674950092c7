"""The server process: asynchronous front, WSGI bridge, supervisor, metrics and graceful shutdown."""
