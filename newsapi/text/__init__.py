"""Text processing: HTML sanitizing, plain text, slugs, folded names, by-lines and language tags.

Every function is pure: it depends on its arguments only, never on an article, the database or a request. The same rules
therefore apply to articles from the API, to import records and to search queries, and tests run in microseconds. This
package imports nothing from the rest of the project.
"""
