"""The body of a request while it comes in: read by a thread, from the event loop that receives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any


class Incoming:
    """A body as WSGI reads it; nothing is taken from the client before it is asked for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, proto: Any, seconds: float) -> None:
        """Take the loop, the request as granian has it, and how long a client may take for what is read at once."""
        self._loop = loop
        self._pieces = _pieces(proto)
        self._seconds = seconds
        self._kept = b""
        self.ended = False

    def read(self, size: int = -1, /) -> bytes:
        """Answer so many bytes, fewer only at the end. Raises TimeoutError, and EOFError where the body breaks off."""
        return asyncio.run_coroutine_threadsafe(self._read(size), self._loop).result()

    async def _read(self, size: int) -> bytes:
        pieces, length = [self._kept], len(self._kept)
        async with asyncio.timeout(self._seconds):
            while not self.ended and (size < 0 or length < size):
                piece = await self._next()
                pieces.append(piece)
                length += len(piece)
        whole = b"".join(pieces)
        end = length if size < 0 else size
        self._kept = whole[end:]
        return whole[:end]

    async def _next(self) -> bytes:
        try:
            return await self._pieces.__anext__()
        except StopAsyncIteration:
            self.ended = True
            return b""


async def whole(proto: Any, length: str | None, most: int) -> bytes | None:
    """Read a body of at most so many bytes at once; None where it is longer, or its Content-Length says so.

    Raises EOFError where it breaks off, or breaks its framing.
    """
    if length is not None and int(length) > most:
        return None
    pieces, size = [], 0
    async for piece in _pieces(proto):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            return None
    return b"".join(pieces)


async def _pieces(proto: Any) -> AsyncIterator[bytes]:
    """What granian has of a body: it ends with an empty piece, and tells an error by one more: a cut one would pass.

    A loop, as granian's own iterator does not bear to be asked by `anext` with a default.
    """
    empty = 0
    async for piece in proto:
        empty += not piece
        if empty > 1:
            raise EOFError
        if piece:
            yield bytes(piece)
