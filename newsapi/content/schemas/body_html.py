"""The field of an article body."""

from __future__ import annotations

from typing import Final

from marshmallow import ValidationError, fields

MAX_BODY_CHARACTERS: Final = 2_000_000


class BodyHtml(fields.String):
    """The body as HTML; it is sanitized after loading."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        if not isinstance(value, str):
            raise ValidationError(["must be a string"])
        if len(value) > MAX_BODY_CHARACTERS:
            raise ValidationError([f"is longer than {MAX_BODY_CHARACTERS} characters"])
        return value
