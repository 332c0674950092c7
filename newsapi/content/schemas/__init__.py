"""Schemas of articles, terms, images and query parameters, as clients see them."""
