"""A headless REST API for news publishers; importing the package does nothing."""

__version__ = "0.1.0"
