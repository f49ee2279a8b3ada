"""Which changes does the chain of hashes show?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.domain.facts import AlertSent, Fact, MirrorRepaired
from millrace.domain.ledger import GENESIS, BrokenChainError, Entry, next_entry, verify_chain

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)

facts = st.builds(AlertSent) | st.builds(MirrorRepaired)


def chain_of(written: list[Fact]) -> list[Entry]:
    entries: list[Entry] = []
    for number, fact in enumerate(written):
        previous = entries[-1] if entries else None
        entries.append(next_entry(previous, NOON + timedelta(seconds=number), "ann", "fares", fact))
    return entries


chains = st.lists(facts, min_size=2, max_size=8).map(chain_of)


def place_in(data: st.DataObject, chain: list[Entry], *, before_last: bool = False) -> int:
    return data.draw(st.integers(0, len(chain) - 1 - before_last))


def test_nothing_is_a_whole_chain() -> None:
    assert verify_chain([]) is None


def test_the_first_entry_follows_genesis() -> None:
    first = next_entry(None, NOON, "ann", "fares", AlertSent(0))
    assert (first.seq, first.prev_hash, first.kind, first.body) == (
        1,
        GENESIS,
        "AlertSent",
        '{"cause_seq":0}',
    )


def test_a_hash_never_changes_between_versions_of_millrace() -> None:
    first = next_entry(None, NOON, "ann", "fares", AlertSent(0))
    assert first.hash == "4e7004e6a9430e25d11327c0627296aa6189553a2e8d856eb5d40e2ecf3f1ba1"


@given(chains)
def test_a_chain_verifies_to_its_last_entry(chain: list[Entry]) -> None:
    assert verify_chain(chain) == chain[-1]


@given(st.data(), chains)
def test_a_chain_verifies_in_two_pieces(data: st.DataObject, chain: list[Entry]) -> None:
    cut = place_in(data, chain)
    assert verify_chain(chain[cut:], previous=verify_chain(chain[:cut])) == chain[-1]


@given(
    st.data(),
    chains,
    st.sampled_from(
        [
            {"actor": "bob"},
            {"model": "delays"},
            {"body": '{"cause_seq":-1,"x":0}'},
            {"at": NOON - timedelta(days=1)},
            {"hash": "0" * 64},
            {"prev_hash": "f" * 64},
            {"seq": 99},
        ]
    ),
)
def test_a_changed_entry_is_found_where_it_stands(
    data: st.DataObject, chain: list[Entry], change: dict[str, object]
) -> None:
    place = place_in(data, chain)
    chain[place] = replace(chain[place], **change)  # type: ignore[arg-type]
    with pytest.raises(BrokenChainError, match=f"ledger entry {place + 1}: found"):
        verify_chain(chain)


@given(st.data(), chains)
def test_a_missing_entry_is_found_unless_it_was_the_last(data: st.DataObject, chain: list[Entry]) -> None:
    place = place_in(data, chain, before_last=True)
    del chain[place]
    with pytest.raises(BrokenChainError, match=f"ledger entry {place + 1}: found {place + 2}"):
        verify_chain(chain)


@given(st.data(), chains)
def test_two_entries_in_the_wrong_order_are_found(data: st.DataObject, chain: list[Entry]) -> None:
    place = place_in(data, chain, before_last=True)
    chain[place], chain[place + 1] = chain[place + 1], chain[place]
    with pytest.raises(BrokenChainError, match=f"ledger entry {place + 1}"):
        verify_chain(chain)


@given(st.data(), chains, facts)
def test_a_rewritten_past_needs_every_later_hash_rewritten(
    data: st.DataObject, chain: list[Entry], fact: Fact
) -> None:
    place = place_in(data, chain, before_last=True)
    previous = chain[place - 1] if place else None
    chain[place] = next_entry(previous, NOON, "bob", "fares", fact)
    with pytest.raises(BrokenChainError, match=f"ledger entry {place + 2}"):
        verify_chain(chain)
