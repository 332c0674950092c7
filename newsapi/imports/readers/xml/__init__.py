"""Parsing of XML files that may be large, hostile or not well-formed."""
