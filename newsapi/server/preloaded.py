"""Imports the application for the processes of `newsapi serve`; run as a program, this module is a fork server.

It must start no thread and open no connection: forked processes would share them.
"""

import contextlib
import gc
import socket
import sys
from importlib import import_module

from sqlalchemy.orm import configure_mappers

from newsapi.server.fork_loop import serve_forks
from newsapi.server.memory import limit_free_memory

limit_free_memory()  # in all forked processes too

# What is created here stays. Collections would take a fifth of the time of the imports.
gc.disable()
import_module("newsapi.cli.processes")
with contextlib.suppress(Exception):  # the process that prepares the start meets the same error, and reports it
    import_module("newsapi.app").shared_app()
configure_mappers()

# Objects that exist now are shared by all forked processes; a collection would write to each of their pages.
gc.freeze()
gc.enable()

if __name__ == "__main__":
    serve_forks(socket.socket(fileno=int(sys.argv[1])))
