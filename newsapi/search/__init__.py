"""Searching: what an article is found by, how that is packed, what a query means, and which articles come first.

Nothing here knows the database. Both databases keep the same bytes and this room alone reads them, so that a search has
the same result on either.
"""
