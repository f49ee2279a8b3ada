"""How do the programs of deployments/supervisord.conf run together, and end together?"""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

from millrace.durable import SECRET
from millrace.errors import MillraceError

MARK = "MILLRACE_UP"
"""The variable that every process of a stack inherits; its value is the folder of the installation."""

_RUN = "PREFECT__FLOW_RUN_ID"
"""The variable that a flow run has besides; its worker gives it a session of its own and does not end it."""

END_SECONDS = 5.0
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class AlreadyUpError(MillraceError):
    """The programs of this installation run already."""

    def __init__(self, home: Path, where: str, pid: int) -> None:
        self.home, self.where, self.pid = home, where, pid
        super().__init__(
            f"{home} is up already: {where}. Stop it by Ctrl-C where it was started, or by `kill {pid}`"
        )


class StartingError(MillraceError):
    """Another process is about to start the programs of this installation."""

    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(f"{home} is just being started by another process; its addresses stand there")


class SupervisorDiedError(MillraceError):
    """The supervisor ended although nobody asked it to."""

    def __init__(self, code: int, ended: int, log: Path) -> None:
        self.code, self.ended, self.log = code, ended, log
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        super().__init__(
            f"the supervisor {how}; the {ended} processes it left were ended too. "
            f"Its last words, if any, are in {log}. Start again, nothing is lost"
        )


@dataclass(frozen=True)
class Change:
    """A program that ended (EXITED), did not stay up (BACKOFF) or was given up (FATAL); what it said last."""

    program: str
    state: str
    is_expected: bool
    last_line: str


@dataclass(frozen=True)
class Process:
    """A process of somebody, by pid, and its command."""

    pid: int
    command: str


class Lock:
    """The right to run the programs of one installation."""

    def __init__(self, file: int) -> None:
        self.file = file

    def leave_notice(self, where: str, *pids: int) -> None:
        """Tell whoever comes second where it is, and which process stops it: the first that lives."""
        notice = {"where": where, "pids": pids}
        os.ftruncate(self.file, 0)
        os.pwrite(self.file, json.dumps(notice).encode(), 0)


@contextmanager
def running_alone(home: Path, path: Path) -> Iterator[Lock]:
    """Hold the lock; the supervisor inherits it, so that it is held as long as either lives.

    Raises
    ------
    AlreadyUpError, StartingError
        If another one holds it.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, SECRET)
    try:
        _lock(file, home)
        os.ftruncate(file, 0)
        yield Lock(file)
    finally:
        os.close(file)


def _lock(file: int, home: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        notice = os.pread(file, 10_000, 0)
        if not notice:
            raise StartingError(home) from error
        found = json.loads(notice)
        pid = next(filter(psutil.pid_exists, found["pids"]), found["pids"][-1])
        raise AlreadyUpError(home, found["where"], pid) from error


class Supervisor:
    """supervisord in a session of its own: Ctrl-C reaches this process only, which stops it in order."""

    def __init__(self, config: Path, environment: Mapping[str, str], lock: Lock, log: Path) -> None:
        self._environment, self._log = environment, log
        self._is_stopping = False
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            pass_fds=[lock.file],
            start_new_session=True,
        )
        self.pid = self._process.pid

    def changes(self, tell_stopping: Callable[[], None]) -> Iterator[Change]:
        """Yield what happens to the programs, until the supervisor has ended; then no process is left.

        A first signal to stop is told by `tell_stopping`; a second one stops at once.

        Raises
        ------
        SupervisorDiedError
            If it ended by itself.
        """

        def stop(_signal: int, _frame: FrameType | None) -> None:
            if self._is_stopping:
                self._process.kill()
                return
            self._is_stopping = True
            tell_stopping()
            # while the server is there to hear that they crashed
            end_processes(self._environment[MARK], _RUN)
            self._process.terminate()

        before = {number: signal.signal(number, stop) for number in _STOPS}
        try:
            yield from map(_read_change, self._process.stdout or ())
        finally:
            if self._process.poll() is None:
                self._process.terminate()
            code = self._process.wait()
            ended = end_processes(self._environment[MARK])
            for number, handler in before.items():
                signal.signal(number, handler)
        if code != 0 and not self._is_stopping:
            raise SupervisorDiedError(code, ended, self._log)


def _read_change(line: str) -> Change:
    try:
        return Change(**json.loads(line))
    except ValueError:  # the log program itself failed, and this is its error
        return Change("log", "EXITED", is_expected=False, last_line=line.strip())


def list_processes(mark: str) -> list[Process]:
    """List what was started by a supervisor of this mark and still runs."""
    found = []
    for one in _marked(mark):
        with suppress(psutil.Error):  # just gone
            found.append(Process(one.pid, _shorten(one.cmdline())))
    return found


def _shorten(command: list[str]) -> str:
    """Return the command without folders and without its interpreter."""
    names = [Path(word).name for word in command]
    return " ".join(name for place, name in enumerate(names) if place or not name.startswith("python"))


def end_processes(mark: str, *with_variables: str) -> int:
    """End what a supervisor started and cannot reach, politely first; return how many there were."""
    left = _marked(mark, *with_variables)
    for one in left:
        _signal(one, signal.SIGTERM)
    for one in psutil.wait_procs(left, timeout=END_SECONDS)[1]:
        _signal(one, signal.SIGKILL)
    return len(left)


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _marked(mark: str, *with_variables: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # of another user, or just gone
            environment = process.environ()
            if environment.get(MARK) == mark and environment.keys() >= set(with_variables):
                found.append(process)
    return found
