"""A motoring magazine to look at: the reference page, its neighbours, and enough around them for every list."""
