"""The tables' history: numbered steps that run on both databases, by `newsapi db upgrade`."""
