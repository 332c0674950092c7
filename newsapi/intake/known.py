"""The import formats by name: ndjson, wxr, rss."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from newsapi.intake import plans, rss, wxr
from newsapi.intake.forms import NDJSON, Converted, Form


def form(name: str, plan: Mapping[str, Any] | None, zone: ZoneInfo) -> Form:
    """Return a format. A validated mapping document applies to categories, the zone to times without an offset."""
    if name == "ndjson":
        return NDJSON
    category_mapping = plans.plan(plan or {})
    if name == "wxr":
        return Converted(partial(wxr.told, mapping=category_mapping, zone=zone))
    return Converted(partial(rss.told, mapping=category_mapping))
