"""A report in which everything happens that a page or a terminal can show."""

from datetime import UTC, datetime

from millrace.domain.gate.finding import Bar, Finding
from millrace.domain.gate.report import GateReport, JudgedRows
from millrace.domain.verdict import Outcome

REPORT = GateReport(
    model="flights",
    at=datetime(2013, 5, 1, 6, tzinfo=UTC),
    run_key=f"retrain:flights:{'k' * 64}",
    digest="a" * 64,
    champion="b" * 64,
    outcome=Outcome.FAIL,
    reason="recent_champion: AUC 0.7 against 0.71, needed more",
    findings=(
        Finding(
            "golden_best",
            Outcome.INCONCLUSIVE,
            "9 blocks, 14 needed <b>",
            "too_few",
        ),
        Finding(
            "recent_champion",
            Outcome.FAIL,
            "AUC 0.7 against 0.71, needed more",
            "missed",
            bars=(
                Bar("gain in AUC", -0.01, -0.02, -0.002, limit=0.0, is_floor=True),
                Bar("AUC of the challenger", 0.7),
                Bar("AUC of the champion", 0.71),
            ),
        ),
        Finding(
            "slices",
            Outcome.INCONCLUSIVE,
            "the slice EWR may be harmed",
            "unsure",
            bars=tuple(
                Bar(f"origin={name}", loss, loss - 0.02, loss + 0.015, limit=0.02)
                for name, loss in (("EWR", 0.015), ("JFK", -0.01), ("LGA", 0.05))
            ),
        ),
        Finding(
            "floors",
            Outcome.PASS,
            "AUC 0.7, needed more than 0.65",
            "cleared",
            bars=(Bar("AUC", 0.7, limit=0.65, is_floor=True),),
        ),
        Finding(
            "cost",
            Outcome.FAIL,
            "12.5 ms for a row, needed at most 10",
            "missed",
            dry_run=True,
            bars=(Bar("milliseconds for a row", 12.5, limit=10.0), Bar("bytes", 1_234_567.0, limit=5e6)),
        ),
        Finding("fairness", Outcome.PASS, "not asked for: model.toml has no [gate.fairness]", "not_asked"),
    ),
    sets=(
        JudgedRows(
            "recent",
            "c" * 64,
            {"challenger": 0.7, "champion": 0.71},
            rows=12_345,
            blocks=28,
            first_block="2013-04-01",
            last_block="2013-04-28",
            looks=2,
        ),
        JudgedRows(
            "golden",
            "d" * 64,
            {"challenger": 0.72},
            rows=3_210,
            blocks=30,
            first_block="2013-01-01",
            last_block="2013-03-28",
            looks=0,
        ),
    ),
    metric="auc",
    generation=4,
    best="b" * 64,
    baseline="e" * 64,
    dataset="f" * 64,
    policy={
        "metric": "auc",
        "comparison": "superior",
        "margin": 0.0,
        "confidence": 0.95,
        "floors": {"auc": 0.65},
        "dry_run": ["cost"],
    },
    questions={"recent_champion": "Judge the challenger against the champion on the recent set."},
)
