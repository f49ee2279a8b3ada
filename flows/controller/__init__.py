"""The controller: one warm process that keeps all as the ledger says, and asks for flow runs."""

from flows.controller.loop import Controller

__all__ = ["Controller"]
