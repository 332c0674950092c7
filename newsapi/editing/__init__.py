"""The write API: articles, terms, revisions, preview links, merges and scheduled publication."""
