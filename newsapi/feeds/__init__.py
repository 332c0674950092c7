"""Serialization of articles into public formats: RSS, Atom, JSON Feed, ninjs, JSON-LD, sitemaps, e-mail, NDJSON.

Every function is pure: complete records in, documents out, by the specification of each format. The package knows
neither the API's own JSON nor the tables, so that a format follows its specification only.
"""
