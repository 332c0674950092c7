"""Other people's wire, coming in: bytes to records, one at a time.

Everything here is pure and streaming: it needs a stream to read from and nothing else, holds one record at a time, and
turns whatever it is given into a record or into a sentence for the person who wrote the file. It stands apart because a
file from outside is the most hostile thing the package reads, and a command, an upload and a test read it alike.
"""
