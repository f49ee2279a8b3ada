"""How does data become a page?"""

import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

SHORT = 12
"""Characters of a digest that people read, here as on the terminal."""


def make_environment(package: str) -> "Environment":
    """Return the templates of `package` and those all pages share; whatever they are given is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("millrace.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "short": spell_digest,
        "moment": spell_moment,
        "count": spell_count,
        "length_of_time": spell_length,
        "commands": mark_commands,
    }
    return environment


def spell_digest(digest: str | None) -> str:
    """Return the part of a digest that people read.

    >>> spell_digest("a1" * 32), spell_digest(None)
    ('a1a1a1a1a1a1', 'none')
    """
    return digest[:SHORT] if digest else "none"


def spell_moment(at: datetime) -> str:
    """Write a moment as people compare it; which zone it is in stands beside it."""
    return f"{at:%Y-%m-%d %H:%M}"


def spell_count(count: int) -> str:
    """Write a count.

    >>> spell_count(28353)
    '28,353'
    """
    return f"{count:,}"


def spell_length(seconds: float) -> str:
    """Write a length of time in the largest unit that leaves it whole.

    >>> [spell_length(one) for one in (5, 90, 120, 7200, 172800, 0.5)]
    ['5 s', '90 s', '2 min', '2 h', '2 days', '0.5 s']
    """
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds and seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {'day' if name == 'days' and seconds == unit else name}"
    return f"{seconds:g} s"


def mark_commands(text: str) -> "Markup":
    """Set what stands in backticks, as commands do in our messages, as code; everything else is escaped.

    >>> str(mark_commands("run `millrace status`, <b>"))
    'run <code>millrace status</code>, &lt;b&gt;'
    """
    from markupsafe import Markup, escape

    # the escaped text holds no tag of its own, and a backtick means nothing to HTML
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(marked)  # noqa: S704 - escaped above
