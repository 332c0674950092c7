"""Request and response schemas (marshmallow): the JSON that clients send and receive.

A schema names attributes and never a table: the API is a contract with clients, the tables are internal, and the two
change for different reasons. Each request and each response has a class of its own with every field written out.
"""
