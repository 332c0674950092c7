"""Cached responses and their validation against the changelog; independent of views and of articles."""
