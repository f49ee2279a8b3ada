"""Is an entry told in one line that says what changed?"""

import pytest

from millrace.domain.facts import OfflineRollbackOvertaken, ServingConfigured
from millrace.domain.narration import tell
from millrace.domain.pointer import Durability, ServingSettings


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (ServingSettings(), "durable log; kept for ever"),
        (
            ServingSettings("ride", Durability.FAST, ("name", "card"), ("address",), 90 * 86_400.0),
            "fast log; sticky by ride; name, card hashed; address left out; kept for 90 days",
        ),
    ],
)
def test_a_change_of_what_services_do_names_every_setting(settings: ServingSettings, told: str) -> None:
    assert tell(ServingConfigured(settings)) == f"services configured: {told}"


def test_an_offline_rollback_that_was_not_adopted_says_what_stood_against_it() -> None:
    finding = "d had taken its place in the ledger"
    overtaken = OfflineRollbackOvertaken("d" * 64, "c" * 64, "c" * 64, 5, 4, "it overcharges", finding)
    assert tell(overtaken) == f"rollback of {'c' * 12} not adopted, {finding}: it overcharges"
