"""Where are the peers that do not share Millrace's lock?"""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.process import environment, output_of
from benchmarks.serving.process import QUIET

PINS = Path(__file__).with_name("peers.txt")
NAMED = ("bentoml", "litserve")


def ensure_peers(cache: Path, pins: Path = PINS, named: tuple[str, ...] = NAMED) -> Path:
    """Return the Python of an environment with the named peers, made once for these pins."""
    folder = cache / f"peers-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        print(f"installing {', '.join(named)} into {folder}, once", file=sys.stderr)
        making = folder.with_name(f".{folder.name}-{os.getpid()}")
        _install(making, pins)
        making.rename(folder)
    return folder / "bin" / "python"


def peer_versions(pins: Path = PINS, named: tuple[str, ...] = NAMED) -> dict[str, str]:
    """Return the pinned versions of the peers themselves."""
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", pins.read_text(), re.MULTILINE))
    return {name: pinned[name] for name in named}


def _install(folder: Path, pins: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    env = environment(**QUIET)
    output_of([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(folder)], env)
    python = str(folder / "bin" / "python")
    command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", str(pins)]
    subprocess.run(command, env=env, check=True)
