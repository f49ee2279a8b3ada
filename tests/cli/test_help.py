"""Does every verb say what it does, show an example, explain its options, and speak to machines?"""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from millrace.cli.main import VERBS, app, load_verbs

SAY_NOTHING = {
    "controller": "runs until it is stopped",
    "demo": "a show for people; its page is the result",
    "monitor due": "what Prefect's triggers run",
    "serve": "runs until it is stopped",
    "stage evaluate": "its files are JSON",
    "stage train": "dvc.yaml runs it; what it writes are files",
    "stage validate": "its file is JSON",
    "ui": "runs until it is stopped",
    "up": "runs until it is stopped",
}


def list_verbs(parent: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, App]]:
    if path and parent.default_command is not None:
        yield " ".join(path), parent
    for name in parent:
        if not name.startswith("-"):
            yield from list_verbs(parent[name], (*path, name))


load_verbs()
LEAVES = dict(list_verbs(app))


@pytest.mark.parametrize("verb", LEAVES)
def test_a_verb_shows_an_example_and_explains_each_option(verb: str) -> None:
    leaf = LEAVES[verb]
    told = inspect.getdoc(leaf.default_command) or ""
    options = leaf.assemble_argument_collection(parse_docstring=True)
    assert f"Example: `millrace {verb}" in told or f"Examples: `millrace {verb}" in told
    assert [one.name for one in options if not one.parameter.help] == []


@pytest.mark.parametrize("verb", LEAVES)
def test_a_verb_that_has_something_to_read_writes_it_as_json_too(verb: str) -> None:
    names = {name for one in LEAVES[verb].assemble_argument_collection() for name in one.names}
    assert ("--json" in names) is (verb not in SAY_NOTHING)


def test_every_file_of_a_verb_is_listed_and_every_verb_has_a_group() -> None:
    folder = Path(str(inspect.getsourcefile(load_verbs))).parent
    apart = {"__init__", "main", "output", "port"}
    files = {path.stem for path in folder.glob("*.py")} - apart
    assert {file.replace("_", "-") for file in files} == set(VERBS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_verbs_are_completed_in_a_shell(shell: str) -> None:
    script = app.generate_completion(prog_name="millrace", shell=shell)
    assert all(word in script for verb in LEAVES for word in verb.split())


def test_the_overview_tells_the_exit_codes() -> None:
    run = [sys.executable, "-m", "millrace", "--help"]
    told = " ".join(subprocess.run(run, capture_output=True, text=True, check=True).stdout.split())
    codes = re.findall(r"(?:^|; )(\d+) ", told.partition("Exit codes: ")[2])
    assert codes == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "130"]
