"""Schemas of merge patches (RFC 7396) for the OpenAPI document."""

from __future__ import annotations

from copy import copy

from marshmallow import missing

from newsapi.web.wire import InputSchema


def patch_schema(schema: type[InputSchema], name: str) -> type[InputSchema]:
    """Return the schema of a merge patch of what another schema creates.

    No field is required or has a default: a client that sends the default of a field would overwrite its value.

    Args:
        schema: The schema of the resource as it is created.
        name: Name of the new schema, and of its component in the document.

    Returns:
        The schema, which documents a patch and does not load one.
    """
    optional_fields = {}
    for field_name, field in schema().load_fields.items():
        optional = copy(field)
        optional.required, optional.load_default = False, missing
        optional_fields[field_name] = optional
    return type(name, (InputSchema,), optional_fields)
