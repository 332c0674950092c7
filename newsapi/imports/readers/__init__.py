"""Readers of files of other systems: WordPress exports and feeds."""
