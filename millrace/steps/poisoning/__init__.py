"""Measuring whether somebody has tampered with a batch."""
