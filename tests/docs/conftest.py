"""A demo in a process of its own, as the end-to-end tests start it."""

from tests.stories.conftest import serve

__all__ = ["serve"]
