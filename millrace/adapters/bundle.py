"""How does a bundle come to lie in a store, whole or not at all?"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from millrace.domain.bundle import (
    MANIFEST_FILE,
    CorruptBundleError,
    Manifest,
    check_files,
    parse_file,
)
from millrace.domain.canonical import canonical_json, sha256_of
from millrace.durable import rename_unless_there, sync, write_synced
from millrace.errors import MillraceError


class NothingToDigestError(MillraceError):
    """Code that should be part of a bundle's inputs is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(f"{root}: found no file, needed the code a bundle comes from. Run `millrace doctor`")


def write_bundle(store: Path, manifest: Manifest, files: Mapping[str, bytes]) -> str:
    """Write `<store>/<digest>/` and return the digest; a bundle that is already there is only verified.

    `manifest.files` must be `digests_of(files)`. The folder appears by one rename, so that a
    reader finds all of it or none.
    """
    content = {**files, MANIFEST_FILE: canonical_json(manifest).encode()}
    check_files(content)
    folder = store / manifest.digest
    if not folder.exists():
        store.mkdir(parents=True, exist_ok=True)
        _write_folder(folder, content)
    verify_bundle(store, manifest.digest)
    return manifest.digest


def read_manifest(bundle_dir: Path) -> Manifest:
    """Read the manifest alone, without a look at the files it names."""
    path = bundle_dir / MANIFEST_FILE
    if not path.is_file():
        raise CorruptBundleError(str(path), "nothing", "the manifest")
    return parse_file(path.read_bytes(), Manifest, MANIFEST_FILE)


def verify_bundle(store: Path, digest: str) -> Manifest:
    """Recompute the SHA-256 of every file and of the manifest, and return it.

    Raises
    ------
    CorruptBundleError
        For the first file that is extra, missing or changed, or a manifest of another digest.
    """
    folder = store / digest
    if not folder.is_dir():
        raise CorruptBundleError(str(folder), "no such folder", "a bundle")
    # a folder counts as an empty file that no manifest names: it is refused like one
    files = {path.name: path.read_bytes() if path.is_file() else b"" for path in folder.iterdir()}
    manifest = check_files(files)
    if manifest.digest != digest:
        raise CorruptBundleError(MANIFEST_FILE, f"the manifest of {manifest.digest}", f"that of {digest}")
    return manifest


def digest_of_files(root: Path) -> str:
    """Return one SHA-256 over a file, or over the paths and bytes of all files below a folder."""
    paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    source = [path for path in paths if "__pycache__" not in path.relative_to(root).parts]
    if not source:
        raise NothingToDigestError(root)
    return sha256_of(
        {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in source}
    )


def _write_folder(folder: Path, content: Mapping[str, bytes]) -> None:
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        partial.chmod(0o755)
        for name, data in content.items():
            write_synced(partial / name, data)
        sync(partial)
        # whoever wrote them first, the caller verifies the bytes
        rename_unless_there(partial, folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
