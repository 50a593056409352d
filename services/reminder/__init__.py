"""Supervision: the reminder ladder and its digests (Art. 10)."""
