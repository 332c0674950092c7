"""The database: connections, deadlines, bulk rows, compiled queries and column types."""
