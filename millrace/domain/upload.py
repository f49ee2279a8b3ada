"""Under which name does an uploaded file become a batch?"""

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from millrace.domain.table_file import SUFFIXES, table_suffix
from millrace.errors import MillraceError

_DIGEST_CHARACTERS = 12
_MAX_STEM = 80


class UnfitNameError(MillraceError):
    """A file was uploaded under a name that the model's inbox does not take."""

    def __init__(self, given: str, pattern: str) -> None:
        self.given, self.pattern = given, pattern
        super().__init__(f"a file {given[:100]!r} came, a name such as {pattern} is needed")


def takes_uploads(inbox: str) -> bool:
    """Say whether an inbox pattern names one folder and one kind of file, so that it is clear what fits.

    >>> [takes_uploads(one) for one in ("inbox/a/*.parquet", "inbox/*/a.csv", "inbox/a/*")]
    [True, False, False]
    """
    path = PurePosixPath(inbox)
    return table_suffix(path.name) in SUFFIXES and not re.search(r"[*?\[]", str(path.parent))


def name_upload(given: str, digest: str, inbox: str) -> str:
    """Return the name in the inbox: the given one without what could lead out of it, and the content's.

    The same bytes under the same name have one name, other bytes another, so nothing is ever replaced.

    Raises
    ------
    UnfitNameError
        If the inbox would not take it.

    >>> name_upload("../May 2013.parquet", "ab" * 32, "inbox/fares/*.parquet")
    'May-2013-abababababab.parquet'
    """
    pattern = PurePosixPath(inbox).name
    last = re.split(r"[/\\]", given)[-1]
    suffix = last[len(last) - len(table_suffix(last)) :]
    stem = last.removesuffix(suffix)
    safe = re.sub(r"[^\w.-]+", "-", stem, flags=re.ASCII).strip(".-")[:_MAX_STEM] or "batch"
    name = f"{safe}-{mark_of(digest)}{suffix}"
    if suffix.lower() not in SUFFIXES or not fnmatchcase(name, pattern):
        raise UnfitNameError(last, pattern)
    return name


def mark_of(digest: str) -> str:
    """Return what the name of an uploaded file ends in, before its suffix."""
    return digest[:_DIGEST_CHARACTERS]
