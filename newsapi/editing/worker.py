"""The scheduler and the merger of terms, as tasks of the worker."""

from __future__ import annotations

from newsapi.content.writes.writer import WriteContext
from newsapi.editing import merges, scheduler
from newsapi.worker.periodic import PeriodicTask


class PublicationScheduler(PeriodicTask):
    """Publishes scheduled articles, and withdraws articles whose display period has ended."""

    name = "embargo"

    def __init__(self, write_context: WriteContext) -> None:
        """Store the write context, whose clock decides what is due."""
        super().__init__(lambda: scheduler.run_due(write_context))


class TermMerger(PeriodicTask):
    """Continues merges of brands, authors, sections and tags, a batch of articles at a time."""

    name = "merging"

    def __init__(self, write_context: WriteContext) -> None:
        """Store the write context."""
        super().__init__(lambda: merges.run_slice(write_context))
