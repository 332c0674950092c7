"""Images: the worker measures their files once, and editors see which are broken or lack an alternative text."""
