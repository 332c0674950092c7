"""Everything that changes the database: one function, one use, one transaction, and a record of what the public sees.

Who listens to that record is not known here: nobody who writes waits for, or fails because of, what follows.
"""
