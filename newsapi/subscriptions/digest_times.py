"""Schedule of email digests: at 07:00 in the subscriber's time zone, daily or on Mondays."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DIGEST_TIME: Final = time(7)
MONDAY: Final = 0


def next_digest_at(frequency: str, zone: str, now: datetime) -> datetime:
    """Return when the next digest is due. The hour is local time, with and without daylight saving.

    Args:
        frequency: "daily" or "weekly".
        zone: A time zone name of the IANA database.
        now: An aware time; the result is later than it.

    Returns:
        The due time in UTC.
    """
    day = now.astimezone(ZoneInfo(zone)).date()
    while True:
        due = datetime.combine(day, DIGEST_TIME, ZoneInfo(zone)).astimezone(UTC)
        if due > now and (frequency == "daily" or day.weekday() == MONDAY):
            return due
        day += timedelta(days=1)
