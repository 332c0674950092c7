"""Tables of articles and terms."""
