"""From a table that nobody has described to a whole model.toml, with reasons."""

from millrace.domain.proposal.draft import propose
from millrace.domain.proposal.findings import Cause, Doubt, Draft, LeftOut, Probe, Proposal
from millrace.domain.proposal.model_file import model_file
from millrace.domain.proposal.whole import complete, config_of, labelled_sample
from millrace.domain.proposal.wishes import (
    ModelNameError,
    NotModelledError,
    UnknownColumnError,
    Wishes,
)

__all__ = [
    "Cause",
    "Doubt",
    "Draft",
    "LeftOut",
    "ModelNameError",
    "NotModelledError",
    "Probe",
    "Proposal",
    "UnknownColumnError",
    "Wishes",
    "complete",
    "config_of",
    "labelled_sample",
    "model_file",
    "propose",
]
