"""Request bodies: read as a stream by a thread while the event loop receives them, or read whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from newsapi.server.rsgi import Exchange


class RequestBody:
    """A streamed request body, as WSGI reads it. Nothing is received from the client before it is read."""

    def __init__(self, loop: asyncio.AbstractEventLoop, exchange: Exchange, timeout_seconds: float) -> None:
        """Prepare the stream.

        Args:
            loop: The event loop that receives the body.
            exchange: The request whose body is read.
            timeout_seconds: How long the client may take for the data of one `read`.
        """
        self._loop = loop
        self._chunks = _chunks(exchange)
        self._seconds = timeout_seconds
        self._kept = b""
        self.ended = False

    def read(self, size: int = -1, /) -> bytes:
        """Return the next `size` bytes, or fewer at the end of the body.

        Args:
            size: Number of bytes; negative for all that is left.

        Returns:
            The bytes; empty at the end of the body.

        Raises:
            TimeoutError: The client was too slow.
            EOFError: The body was cut off.
        """
        return asyncio.run_coroutine_threadsafe(self._read(size), self._loop).result()

    async def _read(self, size: int) -> bytes:
        chunks, length = [self._kept], len(self._kept)
        async with asyncio.timeout(self._seconds):
            while not self.ended and (size < 0 or length < size):
                chunk = await self._next()
                chunks.append(chunk)
                length += len(chunk)
        received = b"".join(chunks)
        end = length if size < 0 else size
        self._kept = received[end:]
        return received[:end]

    async def _next(self) -> bytes:
        try:
            return await self._chunks.__anext__()
        except StopAsyncIteration:
            self.ended = True
            return b""


async def read_all(exchange: Exchange, content_length: str | None, max_bytes: int) -> bytes | None:
    """Read a complete request body.

    Args:
        exchange: The request whose body is read.
        content_length: Value of the `Content-Length` header.
        max_bytes: Maximum length of the body.

    Returns:
        The body; None if it is longer than `max_bytes`, or `content_length` is.

    Raises:
        EOFError: The body was cut off, or its framing is invalid.
    """
    if content_length is not None and int(content_length) > max_bytes:
        return None
    chunks, size = [], 0
    async for chunk in _chunks(exchange):
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            return None
    return b"".join(chunks)


async def _chunks(exchange: Exchange) -> AsyncIterator[bytes]:
    """Yield the chunks that granian receives, and detect a body that was cut off.

    granian ends a body with an empty chunk and reports an error only by a second one; without this check a truncated
    body would pass as a complete one. This is a loop, as granian's iterator does not support `anext` with a default.

    Yields:
        Chunks of the body, none of them empty.

    Raises:
        EOFError: The body was cut off, or its framing is invalid.
    """
    empty_chunks = 0
    async for chunk in exchange:
        empty_chunks += not chunk
        if empty_chunks > 1:
            raise EOFError
        if chunk:
            yield bytes(chunk)
