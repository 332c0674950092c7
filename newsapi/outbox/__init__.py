"""Changelog consumers: what follows from a change, done by the worker process; each consumer has its own offset.

Writes wait for no consumer, and no consumer waits for another. A consumer may see a change twice but never misses one.
"""
