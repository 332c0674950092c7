"""What to read after an article: what each is about as numbers, how near two are, which is best, and why.

Everything here is pure: texts and numbers come in, an order with its reasons goes out. The index in `store/` only says
which articles are worth a look, so that what ranks a list in production, in a test and in an evaluation is one thing.
"""
