"""Feeds: RSS and Atom."""
