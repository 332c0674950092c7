"""When a digest is due: at seven in the morning where its reader lives, daily or on Mondays."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

HOUR: Final = time(7)
MONDAY: Final = 0


def next_digest(frequency: str, zone: str, now: datetime) -> datetime:
    """Answer when the next digest after a time is due, in UTC; the hour is that of the clock there, summer and winter.

    In: daily or weekly, a zone of the IANA database, an aware time.
    """
    there = now.astimezone(ZoneInfo(zone))
    day = there.date()
    while True:
        due = datetime.combine(day, HOUR, ZoneInfo(zone)).astimezone(UTC)
        if due > now and (frequency == "daily" or day.weekday() == MONDAY):
            return due
        day += timedelta(days=1)
