"""A Django project with Wagtail and its API; run by the Python of Wagtail's environment, not by that of newsapi."""
