"""Platforms' own records as configuration: a mapping (映射), its translation, and what a sample shows of it. Pure."""
