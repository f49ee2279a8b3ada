"""Does a token let in who has it, nobody else, and no longer than it is meant to?"""

import hashlib
import os
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.tokens import (
    Role,
    TokenBook,
    TokenFileError,
    TokenNameError,
    create_token,
    list_tokens,
    revoke_token,
)

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
DEADLINE_SECONDS = 20.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "tokens.json"


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_token_lets_in_and_nothing_near_it_does(path: Path) -> None:
    tokens = [create_token(path, name, NOON).encode() for name in ("booking", "tower")]
    book = TokenBook(path)
    assert [book.allows(token) for token in tokens] == [True, True]
    for token in tokens:
        near = (token[:-1], token + b"x", token[::-1], token.upper(), token[3:], b"")
        assert [book.allows(wrong) for wrong in near] == [False] * 6
    assert not book.allows(hashlib.sha256(tokens[0]).hexdigest().encode())
    assert not book.allows(b"booking")


def test_a_services_token_opens_nothing_of_an_operators_nor_the_other_way_round(path: Path) -> None:
    booking = create_token(path, "booking", NOON).encode()
    ada = create_token(path, "ada", NOON, Role.OPERATOR).encode()
    services, operators = TokenBook(path), TokenBook(path, Role.OPERATOR)
    assert [services.allows(token) for token in (booking, ada)] == [True, False]
    assert [operators.allows(token) for token in (booking, ada)] == [False, True]
    assert (services.count, operators.count) == (1, 1)
    known = [found and (found.name, found.role) for found in map(operators.find, (booking, ada, b"mr_"))]
    assert known == [("booking", Role.SERVICE), ("ada", Role.OPERATOR), None]


def test_a_file_from_before_there_were_roles_is_of_services(path: Path) -> None:
    token = create_token(path, "booking", NOON).encode()
    path.write_bytes(path.read_bytes().replace(b'"role": "service"', b'"other": 1'))
    assert TokenBook(path).allows(token)
    assert not TokenBook(path, Role.OPERATOR).allows(token)


def test_the_file_holds_no_token_and_is_its_owners_alone(path: Path) -> None:
    token = create_token(path, "booking", NOON)
    assert token.startswith("mr_")
    assert token not in path.read_text()
    assert token.removeprefix("mr_") not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    [kept] = list_tokens(path)
    assert (kept.name, kept.created_at) == ("booking", NOON)


def test_a_permissive_umask_does_not_open_the_file(path: Path) -> None:
    before = os.umask(0)
    create_token(path, "booking", NOON)
    create_token(path, "tower", NOON)
    os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_has_256_random_bits(path: Path) -> None:
    tokens = {create_token(path, f"t{number}", NOON) for number in range(50)}
    assert {len(token) for token in tokens} == {len("mr_") + 43}
    assert len(tokens) == 50


def test_a_running_service_follows_creations_and_revocations(path: Path) -> None:
    booking = create_token(path, "booking", NOON).encode()
    book = TokenBook(path)
    tower = create_token(path, "tower", NOON).encode()
    wait_until(lambda: book.allows(tower))
    revoke_token(path, "booking")
    wait_until(lambda: not book.allows(booking))
    assert book.allows(tower)
    assert book.count == 1
    assert [one.name for one in list_tokens(path)] == ["tower"]


def test_a_book_that_begins_without_a_file_lets_nobody_in_until_there_is_one(path: Path) -> None:
    book = TokenBook(path)
    assert (book.count, book.trouble, book.allows(b""), book.allows(b"mr_")) == (0, None, False, False)
    token = create_token(path, "booking", NOON).encode()
    wait_until(lambda: book.allows(token))


def test_a_file_that_was_removed_lets_nobody_in(path: Path) -> None:
    token = create_token(path, "booking", NOON).encode()
    book = TokenBook(path)
    path.unlink()
    wait_until(lambda: not book.allows(token))


@pytest.mark.parametrize("content", [b"", b"{", b"[{}]", b"\xff", b'[{"name": 1}]', b"{}"])
def test_a_file_that_cannot_be_read_lets_nobody_in_and_says_so_until_it_is_mended(
    path: Path, content: bytes
) -> None:
    token = create_token(path, "booking", NOON).encode()
    whole, book = path.read_bytes(), TokenBook(path)
    path.write_bytes(content)
    wait_until(lambda: book.trouble is not None)
    assert not book.allows(token)
    assert book.count == 0
    assert "tokens.json: no list of tokens" in str(book.trouble)
    path.write_bytes(whole)
    wait_until(lambda: book.allows(token))
    assert book.trouble is None


def test_a_folder_in_its_place_is_said_to_be_unreadable(path: Path) -> None:
    path.mkdir(parents=True)
    assert "cannot be read (Is a directory)" in str(TokenBook(path).trouble)
    with pytest.raises(TokenFileError, match="Nobody gets in by it"):
        create_token(path, "booking", NOON)


def test_a_broken_file_is_never_written_over(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"[")
    with pytest.raises(TokenFileError, match="no list of tokens"):
        create_token(path, "booking", NOON)
    with pytest.raises(TokenFileError, match="no list of tokens"):
        revoke_token(path, "booking")
    assert path.read_bytes() == b"["


def test_of_fifty_created_at_once_none_is_lost(
    path: Path, fifty_at_once: Callable[[Callable[[int], Any]], list[Any]]
) -> None:
    tokens = fifty_at_once(lambda number: create_token(path, f"t{number}", NOON))
    book = TokenBook(path)
    assert all(book.allows(token.encode()) for token in tokens)
    assert len(list_tokens(path)) == 50
    assert [one.name for one in path.parent.iterdir()] == ["tokens.json"]


def test_a_name_is_given_once_until_it_is_revoked(path: Path) -> None:
    first = create_token(path, "booking", NOON)
    with pytest.raises(TokenNameError, match="`millrace token revoke booking` takes it away"):
        create_token(path, "booking", NOON)
    revoke_token(path, "booking")
    assert create_token(path, "booking", NOON) != first


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "ä", "x" * 65, "a\n"])
def test_a_name_that_would_not_stand_on_one_line_is_refused(path: Path, name: str) -> None:
    with pytest.raises(TokenNameError, match="use up to 64 letters"):
        create_token(path, name, NOON)
    assert not path.exists()


def test_revoking_what_is_not_there_suggests_the_nearest(path: Path) -> None:
    create_token(path, "booking", NOON)
    with pytest.raises(TokenNameError, match=r"there is none; did you mean 'booking'\?"):
        revoke_token(path, "boking")
