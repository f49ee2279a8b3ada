"""How is the data of a page of this site shown?"""

from functools import cache
from typing import TYPE_CHECKING, Any

from millrace.domain.gate.telling import SAY
from millrace.domain.narration import tell
from millrace.domain.poisoning.judged import group_unjudged
from millrace.pages.rendering import make_environment
from millrace.site.assets import locate_asset

if TYPE_CHECKING:
    from jinja2 import Environment


def render(name: str, path: str, **given: Any) -> str:
    """Fill the template `name` for the page at `path`."""
    return _environment().get_template(f"{name}.html.j2").render(path=path, **given)


@cache
def _environment() -> "Environment":
    environment = make_environment("millrace.site")
    environment.filters |= {"tell": tell, "asset": locate_asset, "group_unjudged": group_unjudged}
    environment.globals["say"] = SAY
    return environment
