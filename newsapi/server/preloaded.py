"""Imported by the fork server of `newsapi serve`; the processes forked from it find the application in memory.

It must start no thread and open no connection: forked processes would share them.
"""

import gc
import signal
from importlib import import_module

from setproctitle import setproctitle

setproctitle("newsapi fork server")
import_module("newsapi.cli.processes")

# Objects that exist now are shared by all forked processes; a collection would write to each of their pages.
gc.collect()
gc.freeze()

# A signal to all processes of the service must not end this one before those that were forked from it.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
