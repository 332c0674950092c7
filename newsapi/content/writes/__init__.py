"""Write access to articles and terms: resolve input, compare with the stored state, write and append to the changelog."""
