"""The forms that are known by name: ndjson, wxr, rss."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from newsapi.intake import plans, rss, wxr
from newsapi.intake.forms import NDJSON, Converted, Form


def form(name: str, plan: Mapping[str, Any] | None, zone: ZoneInfo) -> Form:
    """Answer a form, with what is to become of its categories, and the zone of times that tell none."""
    if name == "ndjson":
        return NDJSON
    found = plans.plan(plan or {})
    return Converted(partial(wxr.told, plan=found, zone=zone) if name == "wxr" else partial(rss.told, plan=found))
