"""Demo content: a motoring magazine with the reference page, related articles, and enough articles for every list."""
