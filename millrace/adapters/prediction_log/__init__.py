"""What was answered, by which bundle, and what became true: written by services, read by the control plane.

Only the writing half is named here: a service must not import what reads frames.
"""

from millrace.adapters.prediction_log.segment import encode
from millrace.adapters.prediction_log.writer import SegmentWriter

__all__ = ["SegmentWriter", "encode"]
