"""E-mail alerts: double opt-in, preferences, digests, bounces and SMTP."""
