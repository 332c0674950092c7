"""Imports: jobs, formats (NDJSON, WXR, RSS and Atom), mapping of terms, and the export."""
