"""Explaining answers and versions: what is read for it, and what is kept."""
