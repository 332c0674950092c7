"""API keys: scopes, entitlements, audit log and usage."""
