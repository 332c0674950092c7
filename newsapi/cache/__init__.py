"""Finished answers, and the proof that they are still true. It knows bytes and numbers of changes, never a view."""
