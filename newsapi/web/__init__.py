"""HTTP building blocks that know no article: wire types, problems, pagination, authorization, idempotency, limits."""
