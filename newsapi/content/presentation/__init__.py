"""From stored rows to what clients see: URLs, image renditions, links between articles, and who sees what."""
