"""When is it retrained, how is it served, and how does a version come to answer?"""

from millrace.domain.kinds import Task
from millrace.domain.proposal.bar import gap_of
from millrace.domain.proposal.findings import Block, Doubt, Draft, Entry, Probe
from millrace.domain.proposal.scale import round_down, round_up, two_digits

STEP_REQUESTS = (50, 500)
"""Fewer show only what is plainly wrong; more take long where little is asked."""

ASKED_SHARE = 0.05
"""Of the first file's rows: what is asked within days is guessed to be as much as that."""

LEAST_NEW = 20
LABELS = (200, 5000)
NEW_SHARE = 0.1
HIGH = 0.95


def retrain_block(draft: Draft) -> Block:
    """Return [retrain]: a tenth of new rows is a reason."""
    rows = int(max(LEAST_NEW, round_down(draft.target.rows * NEW_SHARE)))
    share = f"{rows / draft.target.rows:.0%} of what there is"
    return Block("retrain", (
        Entry("min_new_rows", rows, f"{share}; fewer change little"),
        Entry("cooldown", "10m", "files that come together are one training"),
        Entry("budget_per_day", 4, "trainings nobody asked for: files that come all day are not one each"),
        Entry("schedule", "0 6 * * 1", "looked at each Monday too, UTC, whatever has come"),
    ))  # fmt: skip


def serving_block(draft: Draft) -> Block:
    """Return [serving]: what was answered is kept, what is personal as a hash."""
    kept = [
        Entry("durability", "durable", 'an answer leaves once it is on the disk; "fast" answers sooner'),
        Entry("retention", "400d", "a year, for what is compared with the same season"),
    ]
    if draft.personal_keys:
        kept.append(
            Entry("hash", list(draft.personal_keys), "personal: the log has a keyed hash of it, no value")
        )
    return Block("serving", tuple(kept))


def rollout_block(draft: Draft, probe: Probe | None) -> Block:
    """Return [rollout]: a canary, in round numbers, whose word on labels can be had from so many."""
    labels = int(min(max(LABELS[0], round_down(draft.target.rows)), LABELS[1]))
    loss, why = _excess_loss(draft, probe)
    is_number = draft.target.task is Task.REGRESSION
    alike = (
        "answers that differ by more than a tenth of their spread"
        if is_number
        else "rows put into different classes"
    )
    step = step_requests(draft)
    return Block("rollout", (
        Entry("strategy", "canary", "it shadows, then answers so many percent:"),
        Entry("weights", [5, 25, 50], "few are harmed by a bad one, and a good one is there in four steps"),
        Entry("approval", "auto", '"manual" asks a person after each step'),
        Entry("step_requests", step, "below it no step is judged; by the size of the data"),
        Entry("interval", "1m", "a look each minute, and"),
        Entry("failure_limit", 3, "three that fail take it back"),
        Entry("deadline", "7d", "a step that is not convincing by then is one that failed"),
        Entry("probation_labels", labels, "while the old version shadows,"),
        Entry("probation_deadline", "30d", "or so long: then it stays, unproven"),
        Entry("confidence", HIGH, "of a word on labels, however often one looks"),
        Entry("max_excess_errors", 0.01, "one request in a hundred more"),
        Entry("max_latency_ratio", 2.0, "of the 95th percentile"),
        Entry("max_shift", 0.5, "of the mean answer, in standard deviations of the champion's"),
        Entry("max_disagreement", 0.2, alike),
        Entry("max_excess_loss", loss, why),
    ), "how a version that the gate has passed becomes champion, on live requests")  # fmt: skip


def step_requests(draft: Draft) -> int:
    """Return how many requests a step waits for: a model of few rows is asked seldom, as far as is known."""
    least, most = STEP_REQUESTS
    return int(min(max(least, round_down(draft.scan.rows * ASKED_SHARE)), most))


def rollout_doubts(draft: Draft) -> tuple[Doubt, ...]:
    """Tell what a rollout takes for granted."""
    steps = f"each step of a rollout waits for {step_requests(draft)} requests"
    what = (
        f"how often it is asked is not known, {steps}: one that is asked in batches is better changed at once"
    )
    return (Doubt(what, 'rollout.strategy = "direct", without weights'),)


def _excess_loss(draft: Draft, probe: Probe | None) -> tuple[float, str]:
    """Return a share of what a model is worth, as a row's loss: the Brier score, or the absolute error."""
    if draft.target.task is Task.REGRESSION:
        worth = gap_of(probe) if probe else 0.0
        return two_digits(0.1 * worth), "of the absolute error: a tenth of what a model is worth"
    shares = [rows / draft.target.rows for _, rows in draft.target.classes]
    spread = 1.0 - sum(share * share for share in shares)
    if draft.target.task is Task.BINARY:
        spread /= 2.0
    return round_up(0.05 * spread), "of the Brier score: a twentieth of what one answer for all has"
