"""Continuous delivery for machine-learning models."""

from millrace.settings import silence_dependencies

silence_dependencies()
