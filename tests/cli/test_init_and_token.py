"""What a person reads before the first service answers: where the keys are, and a token once."""

import json
import stat
from pathlib import Path

import pytest

from millrace.adapters.keys import ensure_keys
from millrace.adapters.tokens import TokenBook, TokenNameError
from millrace.cli import token
from millrace.cli.init import init
from millrace.settings import UnusableSettingError
from tests.cli.conftest import Command
from tests.conftest import Home


def test_init_makes_the_folders_and_keys_and_says_which_one_to_copy(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    init()
    keys = home.path / "var" / "keys"
    told = capsys.readouterr().out
    assert f"{keys / 'signing.pem'}: keep it here" in told
    assert f"{keys / 'signing.pub'}: copy this file alone" in told
    assert stat.S_IMODE((keys / "signing.pem").stat().st_mode) == 0o600
    for folder in ("data", "datasets", "inbox", "var/channel/bundles"):
        assert (home.path / folder).is_dir()


def test_a_second_init_changes_nothing_and_says_where_all_is(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    def state() -> dict[Path, bytes | None]:
        return {path: path.read_bytes() if path.is_file() else None for path in home.path.rglob("*")}

    init(json=True)
    first, before = json.loads(capsys.readouterr().out), state()
    init(json=True)
    second = json.loads(capsys.readouterr().out)
    assert state() == before
    assert second == first | {"made": []}
    assert str(home.path / "var" / "keys" / "signing.pub") in first["made"]


def test_init_makes_no_new_key_in_the_place_of_a_lost_one(home: Home, millrace: Command) -> None:
    ensure_keys(home.path / "var" / "keys")
    (home.path / "var" / "keys" / "signing.pem").unlink()
    done = millrace("init")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "signing.pem: no such file, although its public key is there" in line


def test_init_tells_no_secret_of_the_remote_channel(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_CHANNEL", "sftp://ann:secret@host/channel")
    init()
    told = capsys.readouterr().out
    assert "sftp://***@host/channel" in told
    assert "ann:secret" not in told


@pytest.mark.parametrize("found", ["1GB", "-1", "1.5", "٣"])
def test_a_setting_that_is_no_number_is_said_in_one_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    monkeypatch.setenv("MILLRACE_UPLOAD_BYTES", found)
    with pytest.raises(UnusableSettingError, match=f"MILLRACE_UPLOAD_BYTES is '{found}', a whole number"):
        token.list_names()


def test_a_token_is_shown_once_listed_by_name_and_revoked(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    book_of = home.path / "var" / "keys" / "tokens.json"
    token.create("booking")
    secret, told = capsys.readouterr().out.splitlines()
    assert told.startswith("It is shown this once")
    assert TokenBook(book_of).allows(secret.encode())
    token.list_names(json=True)
    listed = capsys.readouterr().out
    assert [one["name"] for one in json.loads(listed)] == ["booking"]
    assert secret not in listed
    token.revoke("booking")
    assert not TokenBook(book_of).allows(secret.encode())
    capsys.readouterr()
    token.list_names()
    assert capsys.readouterr().out.startswith("there is no token: services answer on this machine only")


def test_an_operators_token_is_told_where_it_opens_what(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    token.create("ada", operator=True)
    secret, told = capsys.readouterr().out.splitlines()
    assert "a form of `millrace ui`" in told
    assert not TokenBook(home.path / "var" / "keys" / "tokens.json").allows(secret.encode())
    token.create("booking")
    capsys.readouterr()
    token.list_names()
    shown = capsys.readouterr().out
    rows = [line.split()[:2] for line in shown.splitlines() if line.strip()][-2:]
    assert rows == [["ada", "the"], ["booking", "services"]]
    token.list_names(json=True)
    assert [one["role"] for one in json.loads(capsys.readouterr().out)] == ["operator", "service"]


def test_a_token_that_is_not_there_cannot_be_revoked(home: Home) -> None:
    with pytest.raises(TokenNameError, match="there is none; `millrace token list` shows all"):
        token.revoke("booking")
