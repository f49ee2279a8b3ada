"""What is wrong with an installation is found, with what to do about it."""

import pytest

from millrace.cli.doctor import SICK, doctor
from millrace.steps.doctor import Finding, Health, examine
from millrace.steps.restore import restore_dataset
from tests.conftest import NOON, Home
from tests.loop import retrain, take_in


@pytest.fixture
def healthy(fares: Home) -> Home:
    take_in("fares", NOON)
    retrain("fares", NOON)
    return fares


def found(subject: str) -> Finding:
    return next(one for one in examine() if one.subject == subject)


def test_a_healthy_installation_needs_nothing_but_addresses_to_tell(healthy: Home) -> None:
    findings = {one.subject: one.health for one in examine()}
    assert findings.pop("alerts") is Health.ADVICE
    assert set(findings.values()) == {Health.OK}


def test_a_fresh_installation_is_told_to_ingest(home: Home) -> None:
    assert (found("data").health, "`millrace ingest MODEL`" in found("data").finding) == (Health.ADVICE, True)


def test_a_mistake_in_a_model_file_is_found(healthy: Home) -> None:
    healthy.rewrite("fares", "confidence = 0.95", "confidense = 0.95")
    assert found("models").health is Health.WRONG
    assert "did you mean 'confidence'" in found("models").finding


def test_a_lost_part_is_found_and_the_command_it_names_brings_it_back(healthy: Home) -> None:
    next((healthy.path / "data" / "fares").glob("*.parquet")).unlink()
    assert found("data").health is Health.WRONG
    assert "`millrace data restore`" in found("data").finding
    restore_dataset("fares", NOON)
    assert found("data").health is Health.OK


def test_a_signing_key_that_others_can_read_is_found(healthy: Home) -> None:
    (healthy.path / "var" / "keys" / "signing.pem").chmod(0o644)
    assert (found("keys").health, "chmod 600" in found("keys").finding) == (Health.WRONG, True)


def test_a_lost_pointer_is_found(healthy: Home) -> None:
    (healthy.path / "var" / "channel" / "fares" / "pointer.json").unlink()
    assert (found("pointers").health, "fares: no pointer" in found("pointers").finding) == (
        Health.WRONG,
        True,
    )


def test_a_rotten_champion_is_found(healthy: Home) -> None:
    champion = healthy.serving("fares").champion
    assert champion is not None
    scorer = healthy.path / "var" / "channel" / "bundles" / champion / "scorer.onnx"
    scorer.write_bytes(scorer.read_bytes()[:-1])
    assert found("ledger").health is Health.WRONG
    assert "scorer.onnx" in found("ledger").finding


def test_a_store_that_does_not_answer_is_found(healthy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////dev/null/catalogue.sqlite")
    assert found("catalogue").health is Health.WRONG


def test_a_clock_of_a_demonstration_is_found(healthy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_CLOCK", str(healthy.path / "clock"))
    assert (found("clock").health, "unset it" in found("clock").finding) == (Health.WRONG, True)


def test_the_verb_exits_with_5_when_something_is_wrong(
    healthy: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor()
    (healthy.path / "var" / "keys" / "signing.pem").chmod(0o644)
    with pytest.raises(SystemExit, match=str(SICK)):
        doctor(json=True)
    assert '"health": "wrong"' in capsys.readouterr().out
