"""Read access to articles and terms."""
