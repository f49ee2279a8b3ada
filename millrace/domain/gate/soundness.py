"""Can the judged sets be believed? Every rule rests on them."""

from collections.abc import Iterator

import numpy as np

from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, JudgedSet, judged_set_id
from millrace.domain.gate.measurement import NoEvidenceError
from millrace.domain.losses import FloatArray


def find_flaws(evidence: GateEvidence) -> Iterator[NoEvidenceError]:
    """Say why the sets are not of this run, this challenger and one list of rows: nothing can be judged."""
    for name in ("challenger_digest", "baseline_digest", "run_key"):
        if not getattr(evidence, name):
            yield NoEvidenceError(Code.ABSENT, f"the evidence has no {name.replace('_', ' ')}")
    for name, judged in _sets(evidence):
        yield from _flaws_of_source(name, judged, evidence)
        yield from _flaws_of_rows(name, judged)
        yield from _odd_numbers(f"of the {name} set's labels", judged.labels)
    if evidence.constant is not None:
        yield from _odd_numbers("of the constant baseline", np.asarray(evidence.constant))


def find_odd_answers(evidence: GateEvidence) -> Iterator[NoEvidenceError]:
    """Say which answers are no numbers: whose they are is for a rule to tell."""
    for name, judged in _sets(evidence):
        for who, answers in _answers(judged).items():
            yield from _odd_numbers(f"of the {who}'s answers to the {name} set", answers)


def _odd_numbers(what: str, values: FloatArray) -> Iterator[NoEvidenceError]:
    odd = int(np.count_nonzero(~np.isfinite(values)))
    if odd:
        found = f"{odd} of {np.size(values)} numbers {what} are NaN or infinite, none may be"
        yield NoEvidenceError(Code.NOT_FINITE, found)


def _sets(evidence: GateEvidence) -> tuple[tuple[str, JudgedSet], ...]:
    return ("recent", evidence.recent), ("golden", evidence.golden)


def _answers(judged: JudgedSet) -> dict[str, FloatArray]:
    told = {
        "challenger": judged.challenger,
        "champion": judged.champion,
        "baseline": judged.baseline,
        "best": judged.best,
    }
    return {role: answers for role, answers in told.items() if answers is not None}


def _flaws_of_source(name: str, judged: JudgedSet, evidence: GateEvidence) -> Iterator[NoEvidenceError]:
    source = judged.source
    if source.run_key != evidence.run_key:
        found = (
            f"the {name} set was answered in run {source.run_key[:12]!r}, not in {evidence.run_key[:12]!r}"
        )
        yield NoEvidenceError(Code.STALE, found)
    if source.digest != evidence.challenger_digest:
        found = f"{source.digest[:12]!r} answered the {name} set, not {evidence.challenger_digest[:12]!r}"
        yield NoEvidenceError(Code.OTHER_DIGEST, found)
    if source.rows != judged_set_id(judged.blocks):
        found = f"the blocks of the {name} set are not those it is named by, {source.rows[:12]!r}"
        yield NoEvidenceError(Code.OTHER_ROWS, found)


def _flaws_of_rows(name: str, judged: JudgedSet) -> Iterator[NoEvidenceError]:
    rows = len(judged.labels)
    if judged.looks < 0:
        yield NoEvidenceError(Code.NEGATIVE, f"{judged.looks} looks at the {name} set, at least 0 needed")
    if not rows:
        yield NoEvidenceError(Code.EMPTY, f"0 rows in the {name} set, 1 needed")
    paired = {"blocks": judged.blocks, **_answers(judged), **judged.slices}
    if judged.keys is not None:
        paired["keys"] = judged.keys
    for what, values in paired.items():
        if len(values) != rows:
            found = f"{len(values)} {what} for {rows} rows of the {name} set"
            yield NoEvidenceError(Code.OTHER_ROWS, f"{found}, needed one for each")
    if judged.repeated_keys:
        found = f"{judged.repeated_keys} of {rows} rows of the {name} set repeat a key"
        yield NoEvidenceError(Code.DUPLICATED, f"{found}, none may")
