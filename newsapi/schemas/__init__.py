"""Our wire, in and out: what a client sends and gets, in marshmallow.

It knows the names of attributes and never a table: the wire is a promise to others and the tables are ours, and the two
change for different reasons. Each promise has a class of its own, with every field written out.
"""
