"""Feeds (RSS, Atom, JSON Feed, ninjs), WebSub notifications and sitemaps."""
