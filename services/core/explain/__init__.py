"""Explains a ticket: why each fact is there, and every due instant step by step. Pure; `hotline explain` prints it."""
