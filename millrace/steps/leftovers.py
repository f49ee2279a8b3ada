"""Sweeping up after runs that died: copies that were never moved to their place."""

from datetime import timedelta

from millrace.adapters import clock
from millrace.adapters.channel import bundles_folder
from millrace.adapters.leftovers import remove_leftovers
from millrace.settings import load_settings

UNTOUCHED = timedelta(days=1)
"""No living run leaves its temporary files alone for so long."""


def sweep_leftovers() -> int:
    """Remove what no living run can be working on; return how many files and folders that were.

    Files age on the wall clock, also where a flow's `now` is simulated.
    """
    settings = load_settings()
    found = [
        *settings.staging.glob("*"),
        *bundles_folder(settings.channel).glob(".partial-*"),
        *settings.channel.glob("*/.pointer.json.*"),
        *settings.channel.glob("*/offers/.*.json.*"),
        *settings.datasets.glob(".*.json.*"),
        *settings.predictions.glob(".*.new"),
        *(settings.var / "reproduce").glob(".*"),
    ]
    return remove_leftovers(found, clock.wall_now() - UNTOUCHED)
