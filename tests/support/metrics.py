"""The metrics of the process of the tests."""

from prometheus_client import REGISTRY


def metric(name: str, **labels: str) -> float:
    """Return the current value of a metric, 0 if it was never set."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
