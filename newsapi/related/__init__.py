"""Related articles: term vectors, ranking, near-duplicates, stored lists and index maintenance."""
