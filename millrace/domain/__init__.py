"""The decisions. Pure: no file, no clock, no network, no framework."""
