"""Which sections say what the model is, where its rows come from, and what it sees?"""

from millrace.domain.config import FormatSection
from millrace.domain.proposal.features import CATEGORICAL, NUMERIC, TEXT, is_spellable
from millrace.domain.proposal.findings import Block, Draft, Entry

SHOWN = 20


def model_block(draft: Draft) -> Block:
    """Return [model]; who owns it and what for is not in a table."""
    wishes, target = draft.wishes, draft.target
    return Block("model", (
        Entry("name", wishes.name),
        Entry("task", target.task.value, target.why),
        Entry("owner", "nobody yet", "who is asked about it"),
        Entry("purpose", f"What is {target.column} going to be?", "what is decided by its answers"),
    ))  # fmt: skip


def data_block(draft: Draft) -> Block:
    """Return [data]."""
    wishes, split = draft.wishes, draft.split
    entries = [
        Entry("source", "files"),
        Entry(
            "inbox",
            f"inbox/{wishes.name}/*",
            "what is copied here is taken in by itself, as long as `make up` runs",
        ),
        Entry("target", draft.target.column, _target_told(draft)),
    ]
    if draft.key:
        entries.append(Entry("key", list(draft.key), draft.why.get("key")))
    if draft.time:
        entries.append(Entry("time", draft.time, draft.why.get("time")))
        entries.append(
            Entry("block", split.block or "1d", "rows of one block are alike: one observation to the judge")
        )
        entries.append(
            Entry("label_delay", "1d", "how long after the row its target is known: put in what is true")
        )
    if draft.group:
        entries.append(Entry("group", draft.group, draft.why.get("group")))
    why = None if draft.time or draft.group else "no time: a row is a block"
    return Block("data", tuple(entries), why)


def _target_told(draft: Draft) -> str:
    missing = draft.scan.rows - draft.target.rows
    empty = f", empty in {missing:,} rows" if missing else ""
    if not draft.target.classes:
        return f"a number{empty}"
    shown = ", ".join(f"{name} ({rows:,})" for name, rows in draft.target.classes[:4])
    return f"{shown}{', ...' if len(draft.target.classes) > 4 else ''}{empty}"  # noqa: PLR2004


def format_blocks(draft: Draft) -> tuple[Block, ...]:
    """Return [data.format] where a file is written otherwise than is usual."""
    usual, found = FormatSection(), draft.scan.format
    differing = [
        Entry(name, list(value) if isinstance(value, tuple) else value)
        for name in FormatSection.model_fields
        if (value := getattr(found, name)) != getattr(usual, name) and value is not None and name != "times"
    ]
    times = {
        name: form for name, form in found.times.items() if is_spellable(name) and name not in draft.dropped
    }
    if times:
        differing.append(Entry("times", times))
    return (Block("data.format", tuple(differing), "how the first file is written"),) if differing else ()


def features_block(draft: Draft) -> Block:
    """Return [features], with what was left out above it."""
    gone = [f"{one.column}: {one.why}" for one in draft.left_out]
    shown = [
        *(f"left out, {one}" for one in gone[:SHOWN]),
        *([f"and {len(gone) - SHOWN} more"] if len(gone) > SHOWN else []),
    ]
    kinds = [(kind, draft.of_kind(kind)) for kind in (NUMERIC, CATEGORICAL, TEXT)]
    entries = [Entry(kind, list(columns)) for kind, columns in kinds if columns]
    if personal := [one.column for one in draft.features if one.personal]:
        entries.append(Entry("allow_personal", personal, "look like data about persons; --keep named them"))
    return Block("features", tuple(entries), above=tuple(shown))
