"""Webhooks: endpoints, events, signed deliveries with retries, and HTTP that cannot reach private addresses."""
