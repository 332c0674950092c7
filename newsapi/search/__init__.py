"""Full-text search: analysis, index segments, query parsing, ranking and index maintenance."""
