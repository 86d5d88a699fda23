"""Reads what others wrote: sizes are checked first, and every failure is one message."""
