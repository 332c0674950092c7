"""Email alerts: double opt-in, preferences, digests, bounces and SMTP."""
