"""A Django application: articles as pages of Wagtail, and its API."""
