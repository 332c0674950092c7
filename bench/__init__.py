"""Benchmarks: the cost of reads, searches, related lists, cache hits, publications, alerts and concurrent writes."""
