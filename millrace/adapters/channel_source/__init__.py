"""What does a channel hold, wherever it lies: a folder, S3, an HTTP server?"""

from millrace.adapters.channel_source.failures import (
    OversizedFileError,
    UnreachableChannelError,
    UnusableAddressError,
)
from millrace.adapters.channel_source.source import ChannelSource, Unread

__all__ = ["ChannelSource", "OversizedFileError", "UnreachableChannelError", "Unread", "UnusableAddressError"]
