"""Is a thing that must be done once done once, whoever dies, hangs or comes late?"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from millrace.adapters.ledger import Ledger
from millrace.adapters.ledger.claims import ensure_held
from millrace.adapters.ledger.tables import entries
from millrace.adapters.process import current_owner, is_dead, started_after_boot
from millrace.domain.claim import Claim, ClaimDoneError, ClaimHeldError, ClaimLostError, Owner
from millrace.domain.facts import AlertSent, ChampionPromoted

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
LEASE = timedelta(minutes=10)
AFTER_LEASE = NOON + LEASE
ANN = Owner("run-ann", "elsewhere", 7, 1.25)
BOB = Owner("run-bob", "elsewhere", 8, 2.5)


def claim(ledger: Ledger, owner: Owner, now: datetime = NOON, key: str = "train-1") -> Claim:
    return ledger.claim(key, owner, now, LEASE, is_dead)


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_new_key_is_claimed_with_the_first_token(ledger: Ledger) -> None:
    taken = claim(ledger, ANN)
    assert taken == Claim("train-1", 1, ANN, AFTER_LEASE)
    assert ledger.list_claims() == [taken]


def test_a_held_claim_is_refused_and_its_holder_named(ledger: Ledger) -> None:
    held = claim(ledger, ANN)
    with pytest.raises(ClaimHeldError, match="being done by run run-ann on elsewhere") as caught:
        claim(ledger, BOB, AFTER_LEASE - timedelta(microseconds=1))
    assert caught.value.claim == held
    assert ledger.list_claims() == [held]


def test_another_key_is_another_claim(ledger: Ledger) -> None:
    claim(ledger, ANN)
    assert claim(ledger, BOB, key="train-2").token == 1
    assert [held.key for held in ledger.list_claims()] == ["train-1", "train-2"]


def test_an_expired_lease_is_taken_over(ledger: Ledger) -> None:
    claim(ledger, ANN)
    taken = claim(ledger, BOB, AFTER_LEASE)
    assert taken == Claim("train-1", 2, BOB, AFTER_LEASE + LEASE)
    assert ledger.list_claims() == [taken]


def test_a_renewed_lease_is_not_expired(ledger: Ledger) -> None:
    held = claim(ledger, ANN)
    renewed = ledger.renew(held, NOON + timedelta(minutes=9), LEASE)
    assert renewed == replace(held, lease_until=NOON + timedelta(minutes=19))
    with pytest.raises(ClaimHeldError, match="12:19:00 UTC"):
        claim(ledger, BOB, AFTER_LEASE)


def test_a_run_takes_its_own_claim_again_with_a_new_token(ledger: Ledger) -> None:
    first = claim(ledger, ANN)
    retried = claim(ledger, replace(ANN, pid=9))
    assert retried.token == 2
    with pytest.raises(ClaimLostError, match="token 1 is stale"):
        ledger.renew(first, NOON, LEASE)


def test_a_stale_token_writes_nothing(ledger: Ledger) -> None:
    stale = claim(ledger, ANN)
    newest = claim(ledger, BOB, AFTER_LEASE)
    promotion = ChampionPromoted("A", None, 1, "passed")
    for act in (
        lambda: ledger.append("fares", AlertSent(1), NOON, "ann", stale),
        lambda: ledger.change_serving("fares", promotion, NOON, "ann", 0, stale),
        lambda: ledger.renew(stale, AFTER_LEASE, LEASE),
        lambda: ledger.finish(stale, "done by ann"),
    ):
        with pytest.raises(ClaimLostError, match="train-1: token 1 is stale"):
            act()
    ledger.release(stale)
    assert (ledger.entries(), ledger.serving("fares").generation) == ([], 0)
    assert ledger.list_claims() == [newest]


def test_the_newest_token_writes(ledger: Ledger) -> None:
    claim(ledger, ANN)
    newest = claim(ledger, BOB, AFTER_LEASE)
    ledger.append("fares", AlertSent(1), NOON, "bob", newest)
    ledger.change_serving("fares", ChampionPromoted("A", None, 1, "passed"), NOON, "bob", 0, newest)
    assert [entry.actor for entry in ledger.entries()] == ["bob", "bob"]
    assert ledger.serving("fares").champion == "A"


def test_done_stays_done_for_everybody(ledger: Ledger) -> None:
    held = claim(ledger, ANN)
    ledger.finish(held, "bundle c1")
    for owner in (ANN, BOB):
        with pytest.raises(ClaimDoneError, match="train-1 was already done: bundle c1"):
            claim(ledger, owner, AFTER_LEASE)
    ledger.release(held)
    assert ([done.key for done in ledger.list_claims("done")], ledger.list_claims()) == (["train-1"], [])


def test_work_that_is_done_or_released_cannot_be_written_to(ledger: Ledger) -> None:
    done, released = claim(ledger, ANN, key="a"), claim(ledger, ANN, key="b")
    ledger.finish(done, "c1")
    ledger.release(released)
    for ended in (done, released):
        with pytest.raises(ClaimLostError, match=f"{ended.key}: token 1"):
            ledger.append("fares", AlertSent(1), NOON, "ann", ended)
    assert ledger.entries() == []


def test_released_work_can_be_tried_again_at_once(ledger: Ledger) -> None:
    ledger.release(claim(ledger, ANN))
    assert ledger.list_claims() == []
    assert claim(ledger, BOB) == Claim("train-1", 2, BOB, AFTER_LEASE)


def test_of_fifty_threads_one_gets_the_claim(
    ledger: Ledger, fifty_at_once: Callable[[Callable[[int], Any]], list[Any]]
) -> None:
    outcomes = fifty_at_once(lambda number: claim(ledger, replace(ANN, run_id=f"run-{number}")))
    assert [each.token for each in outcomes if isinstance(each, Claim)] == [1]
    assert sum(isinstance(each, ClaimHeldError) for each in outcomes) == 49


def test_of_fifty_runs_one_takes_over_an_expired_claim(
    ledger: Ledger, fifty_at_once: Callable[[Callable[[int], Any]], list[Any]]
) -> None:
    claim(ledger, ANN)
    outcomes = fifty_at_once(lambda number: claim(ledger, replace(BOB, run_id=f"run-{number}"), AFTER_LEASE))
    assert [each.token for each in outcomes if isinstance(each, Claim)] == [2]
    assert sum(isinstance(each, ClaimHeldError) for each in outcomes) == 49


def test_of_several_processes_one_gets_the_claim(
    ledger_url: str, processes_at_once: Callable[[int, str, str], list[str]]
) -> None:
    printed = processes_at_once(
        8,
        """
from datetime import UTC, datetime, timedelta
from millrace.adapters.process import current_owner, is_dead, started_after_boot
from millrace.domain.claim import ClaimHeldError
noon, lease = datetime(2013, 4, 1, tzinfo=UTC), timedelta(minutes=10)
ledger, owner = Ledger(url), current_owner(f"run-{number}")
try:
    print(ledger.claim("train-1", owner, noon, lease, lambda _: False).token)
except ClaimHeldError:
    print("held")
""",
        ledger_url,
    )
    assert sorted(printed) == ["1\n"] + ["held\n"] * 7


def test_a_takeover_waits_until_what_the_holder_writes_is_written(ledger: Ledger) -> None:
    held = claim(ledger, ANN)
    order: list[str] = []

    def take_over() -> None:
        claim(ledger, BOB, AFTER_LEASE)
        order.append("taken over")

    taker = Thread(target=take_over)
    with ledger._database.writing(entries) as connection:
        ensure_held(connection, held)
        taker.start()
        time.sleep(0.3)  # long enough for a taker that does not wait
        order.append("written")
    taker.join()
    assert order == ["written", "taken over"]


def test_a_dead_owner_is_replaced_at_once_and_a_living_one_is_not(ledger: Ledger) -> None:
    living = current_owner("run-living")
    claim(ledger, living, key="a")
    claim(ledger, replace(living, pid=ended_process()), key="b")
    with pytest.raises(ClaimHeldError, match="run-living"):
        claim(ledger, BOB, key="a")
    assert claim(ledger, BOB, key="b").token == 2


def test_this_process_is_alive_and_an_ended_one_is_dead() -> None:
    owner = current_owner("run")
    assert (owner.run_id, owner.pid) == ("run", os.getpid())
    assert not is_dead(owner)
    assert is_dead(replace(owner, pid=ended_process()))


def test_a_pid_that_was_given_to_another_process_is_not_the_owner() -> None:
    owner = current_owner("run")
    assert is_dead(replace(owner, process_started=owner.process_started - 60))


def test_a_small_step_of_the_clock_kills_nobody() -> None:
    owner = current_owner("run")
    assert not is_dead(replace(owner, process_started=owner.process_started - 1))


def test_a_clock_that_steps_back_an_hour_kills_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = current_owner("run")
    stat = Path("/proc/stat").read_text()
    [boot_time] = re.findall(r"^btime (\d+)$", stat, re.MULTILINE)
    # Linux keeps no time of its start, but takes it from the time of day: it moves with the clock
    (tmp_path / "stat").write_text(stat.replace(boot_time, str(int(boot_time) - 3600)))
    (tmp_path / str(owner.pid)).symlink_to(f"/proc/{owner.pid}")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert not is_dead(owner)


def test_of_another_host_nothing_is_known() -> None:
    assert not is_dead(replace(current_owner("run"), host="elsewhere", pid=ended_process()))


def test_a_killed_process_is_dead_before_its_parent_collects_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = started_after_boot(psutil.Process(process.pid))
    owner = replace(current_owner("run"), pid=process.pid, process_started=started)
    assert not is_dead(owner)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(owner)
    process.communicate()
