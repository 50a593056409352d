"""Pure domain rules: no clock, no I/O, no randomness (DESIGN principle 1)."""
