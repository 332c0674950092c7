"""Bounces and complaints: which of our emails they are about, and whether the recipient is gone."""
