"""Parsing of import files: a stream of bytes becomes import records, one at a time.

Every parser is pure and streaming: it needs a stream only, holds one record at a time, and turns any input into either
a record or a problem with a message for the author of the file. Import files are untrusted input; the command line, the
upload endpoint and the tests use the same parsers.
"""
