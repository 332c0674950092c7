"""The version that a write is based on, from the client's `If-Match`."""

from __future__ import annotations

from collections.abc import Sequence

from newsapi.errors import PreconditionRequired, VersionConflict

Versions = Sequence[int] | None
"""The versions of `If-Match`: empty if the header is missing, None if it is `*` (any version)."""


def require_version(current: int, versions: Versions, *, is_required: bool = False) -> None:
    """Raise an error unless the stored version is one that the client expects.

    Args:
        current: The stored version.
        versions: The versions that the client expects.
        is_required: Whether the client must send a version.

    Raises:
        PreconditionRequired: The client sent no version, and must.
        VersionConflict: The stored version is another one.
    """
    if versions is None:
        return
    if not versions:
        if is_required:
            raise PreconditionRequired
        return
    if current not in versions:
        raise VersionConflict(current)
