"""Related articles: vectors, similarity, ranking with reasons, and near-duplicate detection.

The package is pure: texts and numbers in, a ranked list with its reasons out. The index in `store/` only selects
candidates, so lists are ranked by the same code in production, in tests and in evaluations.
"""
