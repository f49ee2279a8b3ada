"""Continuous delivery for machine-learning models."""

from millrace.settings import prepare_dependencies

prepare_dependencies()
