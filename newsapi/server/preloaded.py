"""Imported by the fork server of `newsapi serve`; the processes forked from it find the application in memory.

It must start no thread and open no connection: forked processes would share them.
"""

import contextlib
import gc
import os
import signal
from importlib import import_module

from setproctitle import setproctitle
from sqlalchemy.orm import configure_mappers

# What is created here stays. Collections would take a fifth of the time of the imports.
gc.disable()
setproctitle("newsapi fork server")
import_module("newsapi.cli.processes")
with contextlib.suppress(Exception):  # the process that prepares the start meets the same error, and reports it
    import_module("newsapi.app").shared_app()
configure_mappers()

# Objects that exist now are shared by all forked processes; a collection would write to each of their pages.
gc.freeze()
os.register_at_fork(after_in_child=gc.enable)

# SIGTERM to all processes of the service must not end this one before those that were forked from it: it stays pending
# here. A forked process unblocks it at once, and one that it received meanwhile is delivered then.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.register_at_fork(after_in_child=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM}))
