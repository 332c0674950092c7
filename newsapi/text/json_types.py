"""Types of JSON documents whose members are open: they come from a client or go to one without being read."""

from __future__ import annotations

from typing import Any

JsonValue = Any
"""A value that can be written as JSON."""

JsonObject = dict[str, JsonValue]
"""A JSON object."""
