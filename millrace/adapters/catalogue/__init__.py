"""What each training did, which version came of it, and which version has which alias, in MLflow."""

from millrace.adapters.catalogue.catalogue import Catalogue, RegisteredVersion, UnregisteredVersionError
from millrace.adapters.catalogue.record import TrainingRecord
from millrace.adapters.catalogue.reports import ReportRecord
from millrace.adapters.catalogue.store import RelativeStoreError, create_store, find_file

__all__ = [
    "Catalogue",
    "RegisteredVersion",
    "RelativeStoreError",
    "ReportRecord",
    "TrainingRecord",
    "UnregisteredVersionError",
    "create_store",
    "find_file",
]
