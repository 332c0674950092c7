"""The cache of values that never change: what is used stays, within the bound."""

from newsapi.db.immutable_cache import ImmutableCache


def test_values_are_kept_within_the_bound_and_those_in_use_longest():
    cache = ImmutableCache[int, str](10)
    for key in range(1_000):
        cache.store(key, str(key))
        assert cache.find(0) == "0"  # it is used all the time
    kept = [key for key in range(1_000) if cache.find(key) is not None]
    assert kept == [0, *range(991, 1_000)]


def test_a_value_is_loaded_once():
    cache = ImmutableCache[str, str](10)
    loaded = []

    def load():
        loaded.append("a")
        return "value"

    assert [cache.get_or_load("a", load), cache.get_or_load("a", load)] == ["value", "value"]
    assert loaded == ["a"]
