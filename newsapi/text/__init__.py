"""Words: clean markup, plain text, slugs, folded names, by-lines and language tags.

Everything here is a pure function of its arguments: no article, no database, no request. That is why it stands apart:
the same rules serve an article that comes by the API, a record of an import and a word in a query, and each can be
tested in microseconds. Nothing of the package is imported from here.
"""
