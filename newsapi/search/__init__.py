"""Full-text search: analysis, segments, query parsing, ranking and highlighting.

The package does not access the database. Both databases store the same bytes and only this package interprets them, so
a search has the same result on either.
"""
