"""Does the lock hold a package with a known vulnerability? Where the database is out of reach it says so."""

import json
import subprocess
import sys

AUDIT = [sys.executable, "-m", "pip_audit", "--requirement", "requirements.lock", "--disable-pip"]
QUIET = ["--require-hashes", "--format", "json", "--progress-spinner", "off", "--timeout", "5"]


def main() -> int:
    run = subprocess.run([*AUDIT, *QUIET], capture_output=True, text=True, check=False)  # noqa: S603
    try:
        packages = json.loads(run.stdout)["dependencies"]
    except json.JSONDecodeError:
        print(f"pip-audit: NOT AUDITED, it gave no answer: {run.stderr.strip()[-300:]}")
        return 0
    audited = [package for package in packages if "vulns" in package]
    found = [
        f"{one['name']} {one['version']}: {', '.join(v['id'] for v in one['vulns'])}"
        for one in audited
        if one["vulns"]
    ]
    if not audited:
        print("pip-audit: NOT AUDITED, the vulnerability database cannot be reached from here")
    else:
        print(f"pip-audit: {len(audited)} of {len(packages)} packages audited, {len(found)} vulnerable")
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
