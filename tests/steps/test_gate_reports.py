"""Is what the gate found kept so that it can be shown, and proved, years later?"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from millrace.adapters.gate_report_store import DamagedReportError
from millrace.domain.claim import Claim, ClaimLostError
from millrace.domain.decision import Reason
from millrace.domain.facts import ChallengerJudged, ChallengerTrained
from millrace.domain.gate.finding import Finding
from millrace.settings import load_settings
from millrace.steps.claims import held
from millrace.steps.decide import decide_retraining
from millrace.steps.gate import judge_challenger
from millrace.steps.gate_reports import (
    NotJudgedError,
    find_gate_report,
    find_report_page,
    find_version_report,
)
from millrace.steps.rows import SplitRows, load_rows
from millrace.steps.stores import catalogue, ledger
from millrace.steps.train import train_challenger
from tests.conftest import NOON, Home
from tests.loop import take_in
from tests.site.reading import see


def judged_of(home: Home) -> list[ChallengerJudged]:
    return [fact for fact in home.facts("fares", ChallengerJudged) if isinstance(fact, ChallengerJudged)]


def path_of(judged: ChallengerJudged) -> Path:
    return load_settings().var / "gate" / "fares" / f"{judged.report}.json"


def test_the_ledger_names_the_report_by_its_bytes_and_it_has_the_numbers_the_ledger_leaves_out(
    published: Home,
) -> None:
    for judged in judged_of(published):
        assert hashlib.sha256(path_of(judged).read_bytes()).hexdigest() == judged.report
        report = find_version_report(judged.digest)
        assert (report.outcome, report.reason, report.champion) == (
            judged.outcome, judged.reason, judged.champion
        )  # fmt: skip
        assert [one.reason for one in report.findings] == [one.reason for one in judged.verdicts]
        assert all(type(one) is not Finding for one in judged.verdicts)
        assert any(one.bars for one in report.findings)
        recent, golden = report.sets
        assert (recent.set_id, golden.set_id) == (judged.recent_set, judged.golden_set)
        assert recent.values["challenger"] == pytest.approx(judged.losses["recent"]["challenger"])
        assert report.policy["floors"] == {"mae": 12.0}
        assert report.is_recorded


def test_a_version_is_named_by_its_number_its_digest_or_as_the_champion(published: Home) -> None:
    first, second = judged_of(published)
    assert find_version_report("fares").digest == first.digest == published.serving("fares").champion
    assert find_version_report("fares/2") == find_version_report(second.digest[:9])


def test_the_run_in_the_catalogue_has_it_as_a_page_and_as_json(published: Home, tmp_path: Path) -> None:
    judged = judged_of(published)[-1]
    version = catalogue()._client.get_model_version("fares", "2")
    folder = Path(catalogue()._client.download_artifacts(version.run_id, "", str(tmp_path)))
    assert (folder / "gate.json").read_bytes() == path_of(judged).read_bytes()
    assert judged.verdicts[0].reason in see((folder / "gate.html").read_text("utf-8")).text
    assert (folder / "gate.md").exists()


def test_a_report_that_is_gone_leaves_what_the_ledger_says_and_one_that_was_changed_is_refused(
    published: Home,
) -> None:
    judged = judged_of(published)[-1]
    path = path_of(judged)
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps({**content, "outcome": "pass"}), "utf-8")
    with pytest.raises(DamagedReportError, match="needed the report that the ledger names by its SHA-256"):
        find_version_report(judged.digest)
    path.unlink()
    report = find_version_report(judged.digest)
    assert (report.outcome, report.metric) == (judged.outcome, "mae")
    assert "not kept here" in report.notes[0]
    assert report.sets[0].values == pytest.approx(judged.losses["recent"])


def test_what_the_ledger_says_is_told_in_the_metric_of_the_judgement(published: Home) -> None:
    judged = replace(judged_of(published)[-1], metric="log_loss", report=None)
    assert judged.level is not None
    assert find_gate_report("fares", judged, NOON).metric == "log_loss"
    by_level = replace(judged, metric="", level=replace(judged.level, metric="rmse"))
    assert find_gate_report("fares", by_level, NOON).metric == "rmse"
    assert find_gate_report("fares", replace(by_level, level=None), NOON).metric == "mae"


def test_a_version_whose_run_ended_before_the_gate_has_no_report(published: Home) -> None:
    trained = published.facts("fares", ChallengerTrained)[-1]
    assert isinstance(trained, ChallengerTrained)
    orphan = trained.__class__(**{**vars(trained), "run_key": "another run", "digest": "0" * 64})
    folder = load_settings().channel / "bundles"
    (folder / orphan.digest).symlink_to(folder / trained.digest)
    ledger().append("fares", orphan, NOON, "a test")
    with pytest.raises(NotJudgedError, match="was trained and never judged"):
        find_version_report("0" * 64)


def test_a_run_that_lost_its_claim_after_the_report_is_taken_up_and_the_ledger_names_one_that_is_there(
    fares: Home,
) -> None:
    take_in("fares", NOON)
    claim, rows, trained = _train()
    ledger().release(claim)
    with pytest.raises(ClaimLostError):
        judge_challenger("fares", rows, trained, claim, NOON)
    folder = load_settings().var / "gate" / "fares"
    before = sorted(folder.iterdir())
    assert (len(before), judged_of(fares)) == (1, [])
    claim, rows, trained = _train()
    with held(claim):
        judged = judge_challenger("fares", rows, trained, claim, NOON)
        again = judge_challenger("fares", rows, trained, claim, NOON)
    assert judged == again == judged_of(fares)[0]
    assert sorted(folder.iterdir()) == before == [path_of(judged)]


def _train() -> tuple[Claim, SplitRows, ChallengerTrained]:
    decided = decide_retraining("fares", Reason.BY_HAND, False, NOON, "a run")
    assert decided.claim is not None
    rows = load_rows("fares", decided.decision.inputs.dataset, NOON)
    trained = train_challenger("fares", rows, decided.decision, decided.claim, NOON, lambda *_: None)
    return decided.claim, rows, trained


def test_the_site_has_a_page_for_it_where_somebody_said_where_the_site_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert find_report_page("fares", "a" * 64) is None
    monkeypatch.setenv("MILLRACE_SITE", "https://millrace.example/")
    page = f"https://millrace.example/models/fares/versions/{'a' * 64}/gate"
    assert find_report_page("fares", "a" * 64) == page
