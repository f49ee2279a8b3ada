"""Who gets no page, and is that answer as guarded as every other?"""

import base64
import hashlib
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Home
from tests.site.reading import see
from tests.site.told import RunningSite, Told, running_site

HTMX_2_0_3 = "0895/pl2MU10Hqc6jd4RvrthNlDiE9U1tWmX7WRESftEDRosgxNsQG/Ze9YMRzHq"
"""The SHA-384 that htmx publishes of this file, for the integrity of a script."""

REFUSALS = [
    ("GET", "/nothing", {}, 404),
    ("GET", "/models/fare", {}, 404),
    ("GET", "/models/fare.json", {}, 404),
    ("GET", "/models/", {}, 404),
    ("POST", "/", {}, 405),
    ("DELETE", "/models/fares", {}, 405),
    ("GET", "/", {"host": "rebound.example"}, 400),
    ("GET", "/index.json", {"host": "rebound.example:8400"}, 400),
]


@pytest.mark.parametrize(("method", "path", "headers", "status"), REFUSALS)
def test_what_is_refused_says_so_under_the_same_policy(
    site: RunningSite, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = site.ask(method, path, **headers)
    assert answer.status == status
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert b"answers" not in answer.body
    assert b"recent_champion" not in answer.body


def test_an_unknown_model_is_answered_with_those_there_are(site: RunningSite) -> None:
    answer = site.ask("GET", "/models/fare")
    seen = see(answer.body.decode())
    assert "no model 'fare'; did you mean 'fares'?" in seen.text
    assert {"/models/fares", "/models/progression"} <= set(seen.values("href"))
    assert "did you mean 'fares'?" in site.ask("GET", "/models/fare.json").json["error"]


def test_a_version_is_found_under_its_own_model_only(told: Told, site: RunningSite) -> None:
    assert site.ask("GET", f"/models/progression/versions/{told.first}").status == 404
    answer = site.ask("GET", "/models/fares/versions/0123456789")
    assert answer.status == 404
    assert "no version 0123456789" in see(answer.body.decode()).text


def test_head_is_answered_as_get_without_the_page(site: RunningSite) -> None:
    head, get = site.ask("HEAD", "/models/fares"), site.ask("GET", "/models/fares")
    assert (head.status, head.body) == (200, b"")
    assert head.headers.keys() == get.headers.keys()
    assert site.ask("PUT", "/").headers["allow"] in {"GET, HEAD", "HEAD, GET"}


def test_by_either_name_of_this_machine_the_site_answers(site: RunningSite) -> None:
    for host in ("127.0.0.1", f"127.0.0.1:{site.port}", f"localhost:{site.port}", "LOCALHOST"):
        assert site.ask("GET", "/index.json", host=host).status == 200


def test_every_file_a_page_needs_comes_from_here_and_htmx_is_what_htmx_published(
    told: Told, site: RunningSite
) -> None:
    files = set()
    for path in told.pages:
        seen = see(site.get(path))
        links = [value for name in ("src", "href", "hx-get") for value in seen.values(name)]
        assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in links)
        files |= {link for link in links if link.startswith("/assets/")}
        assert not seen.values("style")
        assert not seen.values("onclick")
    assert sorted(file.rpartition("/")[2] for file in files) == ["htmx.min.js", "site.css", "site.svg"]
    for file in files:
        answer = site.ask("GET", file)
        assert (answer.status, answer.headers["cache-control"]) == (200, "max-age=31536000, immutable")
        if file.endswith(".js"):
            digest = hashlib.sha384(answer.body).digest()
            assert base64.b64encode(digest).decode() == HTMX_2_0_3


def test_a_bundle_that_is_gone_is_said_and_every_other_page_goes_on(told: Told, tmp_path: Path) -> None:
    shutil.copytree(told.home.path, tmp_path / "home")
    shutil.copytree(told.home.models, tmp_path / "models")
    home = Home(tmp_path / "home", tmp_path / "models")
    (manifest,) = (home.path / "var/channel/bundles" / told.second).glob("manifest.json")
    manifest.parent.chmod(0o755)
    manifest.unlink()
    with running_site(home) as site:
        answer = site.ask("GET", f"/models/fares/versions/{told.second}")
        assert answer.status == 503
        assert "needed the manifest" in see(answer.body.decode()).text
        assert site.ask("GET", f"/models/fares/versions/{told.first}").status == 200
        assert site.stop() == 0


def test_before_there_is_any_model_the_first_page_says_how_to_add_one(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", tmp_path / "models")
    home.path.mkdir()
    with running_site(home) as site:
        assert "There is no model yet: add a folder" in see(site.get("/")).text
        assert "Nothing was changed" in see(site.get("/audit")).text


def test_a_port_that_is_taken_is_one_line_that_names_its_holder(site: RunningSite, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "millrace", "ui", "--port", port],
            env={"MILLRACE_HOME": str(tmp_path), "PATH": ""}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: port {port} of 127.0.0.1 is held by pid ")
    assert ended.stderr.rstrip().endswith("Choose another one by --port")
