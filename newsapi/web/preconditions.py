"""Preconditions of writes: the versions that an `If-Match` header accepts (RFC 9110, section 13.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from newsapi.errors import PreconditionRequired, VersionConflict


@dataclass(frozen=True, slots=True)
class VersionPrecondition:
    """What a client requires of the current version of a resource.

    Attributes:
        versions: The versions that it accepts; empty if the header names none that can exist.
        is_given: Whether the request has the header; without it, every version is accepted.
        accepts_any: Whether the header is `*`.
    """

    versions: frozenset[int] = frozenset()
    is_given: bool = True
    accepts_any: bool = False

    def check(self, version: int, *, required: bool = False) -> None:
        """Check the current version of a resource.

        Args:
            version: The current version.
            required: Whether the operation needs a precondition.

        Raises:
            PreconditionRequired: The operation needs a precondition, and the client sent none.
            VersionConflict: The client does not accept the version.
        """
        if not self.is_given:
            if required:
                raise PreconditionRequired
        elif not self.accepts_any and version not in self.versions:
            raise VersionConflict(version)


NO_PRECONDITION: Final = VersionPrecondition(is_given=False)
"""The request has no `If-Match` header."""

ANY_VERSION: Final = VersionPrecondition(accepts_any=True)
"""`If-Match: *`."""
