"""Write access to articles and terms: resolve input, compare it with the stored state, write, and append changes."""
