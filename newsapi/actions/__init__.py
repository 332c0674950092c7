"""Commands: everything that changes the database. Each is a function that runs one transaction.

A command appends what the public can see of its change to the changelog. It does not know the consumers of the
changelog, and it neither waits for them nor fails because of them.
"""
