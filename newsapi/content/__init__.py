"""Articles and terms: tables, queries, writes, schemas and presentation. All capabilities build on it."""
