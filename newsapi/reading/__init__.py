"""Public views of articles and terms, and their JSON-LD."""
