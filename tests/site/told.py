"""An installation whose ledger tells of everything a page can show, and the site that shows it."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from millrace.adapters.bundle import write_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.dataset_files import write_dataset
from millrace.adapters.models import change_section
from millrace.domain.bundle import (
    EXAMPLES_FILE,
    PROFILE_FILE,
    SCHEMA_FILE,
    CodeDigests,
    Engine,
    Manifest,
    digests_of,
)
from millrace.domain.dataset import Dataset, Part
from millrace.domain.facts import (
    Action,
    Agreement,
    AutomationPaused,
    BatchAccepted,
    ChallengerJudged,
    ChallengerTrained,
    ChampionPromoted,
    ChampionRolledBack,
    DecisionMade,
    Inputs,
    RuleFinding,
    RunParked,
    VersionRegistered,
)
from millrace.domain.kinds import Task
from millrace.domain.verdict import Outcome, Verdict
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.serve import publish_model_pointer
from tests.conftest import NOON, PLANTED, Home
from tests.serving.service import Answer, free_port, wait_for

HOSTILE = "<script>alert('here')</script>"
ROLLBACK = f"answers 1.0 for everyone {HOSTILE}"
PAUSE = "the export of May is wrong & late"
PARKED = "new rows, 28,231 of them: still undone"
ACTOR = "ada"
CODE = CodeDigests(millrace="1" * 64, flows="2" * 64, tasks="3" * 64, model_files="4" * 64, lock="5" * 64)


@dataclass(frozen=True)
class Told:
    """What was written: `fares` has two champions, the second taken back, and a refused challenger."""

    home: Home
    first: str
    second: str
    refused: str

    @property
    def pages(self) -> tuple[str, ...]:
        versions = [f"/models/fares/versions/{digest}" for digest in (self.first, self.second, self.refused)]
        gates = (f"{version}/gate" for version in versions)
        models = ("/models/fares", "/models/progression")
        monitored = (f"{model}/monitoring" for model in models)
        return ("/", "/audit", *models, *monitored, *versions, *gates)


def tell_all(root: Path) -> Told:
    """Write the installation below `root`: `progression` is unwatched, and paused from the beginning."""
    home = Home(root / "home", root / "models")
    (home.path / "var").mkdir(parents=True)
    shutil.copytree(PROJECT_ROOT / "models" / "progression", home.models / "progression")
    for section in ("monitor", "drift", "performance", "health"):
        change_section(home.models, "progression", section, None)
    shutil.copytree(PLANTED / "fares", home.models / "fares")
    with pytest.MonkeyPatch.context() as patch:
        home.enter(patch)
        told = _tell_fares(home)
        home.ledger.append("progression", AutomationPaused(PAUSE), NOON, ACTOR)
        home.ledger.append("progression", RunParked("k", "retrain", 3, PARKED), NOON, ACTOR)
    return told


def _tell_fares(home: Home) -> Told:
    dataset = Dataset("fares").with_part(Part("6" * 64, "2013-03", 1_054, 4_096, None, None))
    home.ledger.append("fares", BatchAccepted("7" * 64, dataset.parts[0]), NOON, ACTOR)
    write_dataset(load_settings().datasets, dataset)
    inputs = Inputs(dataset.version, CODE.model_files, CODE.lock)
    first, second, refused = (_train(home, day, inputs) for day in range(3))
    for day, digest, champion in ((0, first, None), (1, second, first), (2, refused, second)):
        _judge(home, day, digest, champion, Outcome.FAIL if digest == refused else Outcome.PASS)
    at = NOON + timedelta(days=3)
    back = ChampionRolledBack(first, second, 3, ROLLBACK)
    home.ledger.change_serving("fares", back, at, ACTOR, seen=2)
    publish_model_pointer("fares", at)
    return Told(home, first, second, refused)


def _train(home: Home, day: int, inputs: Inputs) -> str:
    files = dict.fromkeys((Engine.ONNX.file_name, SCHEMA_FILE, PROFILE_FILE, EXAMPLES_FILE), b"{}")
    blocks = ("2013-01-01", "2013-01-02")
    manifest = Manifest(
        model="fares", task=Task.REGRESSION, engine=Engine.ONNX, files=digests_of(files),
        dataset=inputs.dataset, training_blocks=blocks, code=CODE, seed=day, environment={"numpy": "2"},
    )  # fmt: skip
    digest = write_bundle(bundles_folder(load_settings().channel), manifest, files)
    findings = (RuleFinding("new_rows", f"1,054 new rows {HOSTILE}", Action.TRAIN),)
    decided = DecisionMade(f"run {day}", Action.TRAIN, f"by hand; {HOSTILE}", findings, inputs)
    trained = ChallengerTrained(
        run_key=f"run {day}", digest=digest, engine="onnx", baseline="8" * 64, constant=7.5,
        inputs=inputs, rows=900, agreement=Agreement(90, 2e-7, 0), parameters={"alpha": 0.5}, trials=(),
        seconds=1.25, git_commit=None,
    )  # fmt: skip
    for fact in (decided, trained):
        home.ledger.append("fares", fact, NOON + timedelta(days=day), ACTOR)
    return digest


def _judge(home: Home, day: int, digest: str, champion: str | None, outcome: Outcome) -> None:
    at, reason = NOON + timedelta(days=day, minutes=1), f"rmse {day}.25 {HOSTILE}"
    verdicts = (
        Verdict("recent_champion", outcome, reason),
        Verdict("finite", Outcome.INCONCLUSIVE, "3 rows"),
    )
    judged = ChallengerJudged(
        f"run {day}", digest, champion, outcome, f"recent_champion: {reason}", verdicts, "r", "g",
        {"recent": {"challenger": day + 0.25} | ({"champion": day - 0.75} if champion else {})}, day,
    )  # fmt: skip
    home.ledger.append("fares", judged, at, ACTOR)
    home.ledger.append("fares", VersionRegistered(f"run {day}", digest, day + 1, "id"), at, ACTOR)
    if outcome is Outcome.PASS:
        crowned = ChampionPromoted(digest, champion, day + 1, judged.reason)
        home.ledger.change_serving("fares", crowned, at, ACTOR, seen=day)


@contextmanager
def entered(home: Home) -> Iterator[None]:
    """Work on this installation until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        home.enter(patch)
        yield


@dataclass
class RunningSite:
    """A site that listens."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, path: str) -> str:
        """Return a page that is there."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body.decode()
        return answer.body.decode()

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@contextmanager
def running_site(home: Home, **environment: str) -> Iterator[RunningSite]:
    """Run `millrace ui` on `home` until the block ends; it answers when the block begins."""
    port, said = free_port(), home.path / "said"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    own = {
        "MILLRACE_HOME": str(home.path),
        "MILLRACE_MODELS": str(home.models),
        "MILLRACE_UI_PORT": str(port),
    }
    with said.open("wb") as output:
        command = [sys.executable, "-m", "millrace", "ui"]
        process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=clean | own | environment, stdout=output, stderr=output
        )  # fmt: skip
    site = RunningSite(process, port)

    def answers() -> bool:
        assert process.poll() is None, said.read_text("utf-8")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return site.ask("HEAD", "/").status == 200
        return False

    try:
        wait_for(answers, f"the site: {said}")
        yield site
    finally:
        site.stop()
