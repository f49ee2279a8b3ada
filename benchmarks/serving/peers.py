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


def ensure_peers(cache: Path) -> Path:
    """Return the Python of an environment with BentoML and LitServe, made once for these pins."""
    folder = cache / f"peers-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        print(f"installing {', '.join(NAMED)} into {folder}, once", file=sys.stderr)
        making = folder.with_name(f".{folder.name}-{os.getpid()}")
        _install(making)
        making.rename(folder)
    return folder / "bin" / "python"


def peer_versions() -> dict[str, str]:
    """Return the pinned versions of the peers themselves."""
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", PINS.read_text(), re.MULTILINE))
    return {name: pinned[name] for name in NAMED}


def _install(folder: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    env = environment(**QUIET)
    output_of([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(folder)], env)
    python = str(folder / "bin" / "python")
    command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", str(PINS)]
    subprocess.run(command, env=env, check=True)
