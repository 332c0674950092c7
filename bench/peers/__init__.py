"""Comparison of newsapi with Directus, Ghost, Wagtail and WordPress: `python -m bench.peers`; see `bench/peers.md`."""
