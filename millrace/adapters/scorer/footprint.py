"""How much memory does a process need to answer by a bundle? Runs as a program of its own."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")


class NoFootprintError(RuntimeError):
    """The process that was to answer did not."""


def measure_footprint(bundle_dir: Path, columns: dict[str, list[Any]], timeout_seconds: float) -> int:
    """Return by how many bytes a fresh process grows that opens the bundle and answers these rows.

    What it needs before is Python and our own code; what the engine needs counts.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer.
    NoFootprintError
        If it ends without an answer.
    """
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", __name__, str(bundle_dir)],
        input=json.dumps(columns),
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NoFootprintError(f"a process that opened {bundle_dir.name[:12]} ended with: {said}")
    return int(done.stdout)


def _peak_bytes() -> int:
    """Return the most memory that this process has had so far.

    Linux hands the peak of the parent down to `ru_maxrss` of a child (execve(2) keeps it): it is not ours.
    """
    if STATUS.exists():
        for line in STATUS.read_text("ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Open the bundle that is named, answer the rows that come in, and say by how much this process grew."""
    from millrace.adapters.scorer import load_scorer

    columns = json.load(sys.stdin)
    before = _peak_bytes()
    load_scorer(Path(sys.argv[1])).answer(columns)
    sys.stdout.write(f"{max(1, _peak_bytes() - before)}\n")


if __name__ == "__main__":
    main()
