"""Synchronization for partners: the delta of changes, digests to verify a mirror, and recalls."""
