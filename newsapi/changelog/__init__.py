"""The changelog: append, read, consumer offsets, filter exits and facet digests."""
