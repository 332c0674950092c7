"""Imports as a task of the worker."""

from __future__ import annotations

from newsapi.imports.jobs import ImportRunner
from newsapi.worker.periodic import PeriodicTask


class ImportScheduler(PeriodicTask):
    """Runs requested imports a few seconds at a time, so that another worker soon takes over if this one is killed."""

    name = "importing"

    def __init__(self, runs: ImportRunner) -> None:
        """Store the import runs of this worker."""
        super().__init__(runs.run_slice)
        self._runs = runs

    def reset(self) -> None:
        super().reset()
        self._runs.release()
