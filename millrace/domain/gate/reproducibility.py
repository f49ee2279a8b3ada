"""Does the same training give the same model?"""

from dataclasses import dataclass

from millrace.domain.config import GateSection, ReproducibilityPolicy, Rule
from millrace.domain.facts import Reproduction
from millrace.domain.gate.code import Code
from millrace.domain.gate.evidence import GateEvidence, asked_of
from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.measurement import Measurement, NoEvidenceError
from millrace.domain.verdict import Outcome, Verdict


@dataclass(frozen=True)
class TrainedAgain(Measurement):
    """A second training from the same rows, hyperparameters and seed, held against the challenger's scorer.

    `recorded` and `found` are the digests of the two files of the name `file`. Where the bytes differ, both
    have answered `rows`: `differing_rows` by more than rounding, `apart_rows` by more than
    `agreement_tolerance`. `result` says whether a file of this kind could have been the same at all.
    """

    file: str
    recorded: str
    found: str
    result: Reproduction
    rows: int
    differing_rows: int
    apart_rows: int
    largest_difference: float


def judge_reproducibility(evidence: GateEvidence, policy: GateSection) -> Verdict:
    """Judge whether the second training ended in the same scorer, or as `exact` says in the same answers."""
    rule = Rule.REPRODUCIBILITY
    limits = asked_of(policy.reproducibility, rule)
    found = evidence.find(rule, TrainedAgain)
    _check(found)
    match found.result:
        case Reproduction.IDENTICAL:
            told = f"{found.file} is the same byte for byte, {found.found[:12]}"
            return Finding(rule, Outcome.PASS, told, bars=(_bar(0.0, 0.0),))
        case Reproduction.SAME_ANSWERS:
            told = f"{found.file} gives the same {found.rows} answers, and two such files are never one"
            return Finding(rule, Outcome.PASS, told, bars=(_bar(0.0, 0.0),))
        case Reproduction.DIFFERS:
            return _judge_difference(found, policy, limits)


def _judge_difference(found: TrainedAgain, policy: GateSection, limits: ReproducibilityPolicy) -> Finding:
    about = f"largest {found.largest_difference:.3g}"
    if limits.exact:
        share = found.differing_rows / found.rows
        told = f"{found.file} is {found.found[:12]}, not {found.recorded[:12]}: {found.differing_rows} of "
        reason = f"{told}{found.rows} answers ({share:.2%}) differ, {about}, needed the same"
        return Finding(Rule.REPRODUCIBILITY, Outcome.FAIL, reason, bars=(_bar(share, 0.0),))
    share = found.apart_rows / found.rows
    outcome = Outcome.PASS if share <= policy.max_disagreeing_share else Outcome.FAIL
    reason = (
        f"{found.apart_rows} of {found.rows} rows ({share:.2%}) differ from a second training by more than "
        f"{policy.agreement_tolerance:g}, {about}, needed at most {policy.max_disagreeing_share:.2%}"
    )
    return Finding(Rule.REPRODUCIBILITY, outcome, reason, bars=(_bar(share, policy.max_disagreeing_share),))


def _check(found: TrainedAgain) -> None:
    if not found.recorded or not found.found:
        raise NoEvidenceError(Code.EMPTY, "a scorer without a digest")
    if (found.result is Reproduction.IDENTICAL) != (found.recorded == found.found):
        told = f"{found.result} told of {found.found[:12]} and {found.recorded[:12]}"
        raise NoEvidenceError(Code.OTHER_DIGEST, told)
    if found.result is not Reproduction.IDENTICAL and found.rows == 0:
        raise NoEvidenceError(Code.EMPTY, "the two scorers differ, and both answered 0 rows, 1 needed")
    if found.result is Reproduction.SAME_ANSWERS and found.differing_rows:
        told = f"{found.result} told of scorers of which {found.differing_rows} answers differ"
        raise NoEvidenceError(Code.UNCOMPARABLE, told)
    if max(found.differing_rows, found.apart_rows) > found.rows:
        raise NoEvidenceError(Code.OTHER_ROWS, f"more answers differ than the {found.rows} there are")


def _bar(share: float, limit: float) -> Bar:
    return Bar("answers that differ", share, limit=limit)
