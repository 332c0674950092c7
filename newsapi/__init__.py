"""A headless REST API for news publishers. Importing the package has no side effects."""

__version__ = "0.1.0"
