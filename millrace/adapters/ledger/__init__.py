"""The append-only record of every decision, and what serves and who works because of it."""

from millrace.adapters.ledger.arrivals import AlreadyAcceptedError
from millrace.adapters.ledger.database import LedgerUnavailableError
from millrace.adapters.ledger.ledger import Ledger
from millrace.adapters.ledger.serving import StaleGenerationError

__all__ = ["AlreadyAcceptedError", "Ledger", "LedgerUnavailableError", "StaleGenerationError"]
