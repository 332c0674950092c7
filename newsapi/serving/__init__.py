"""The processes that serve and work, and who sees to them. What they do is joined in `app`."""
