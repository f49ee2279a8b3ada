"""The status site: what the ledger knows, to look at. It reads by steps, and acts by them for operators."""
