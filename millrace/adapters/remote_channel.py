"""How does the channel come to services that cannot see this machine's folder?"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from millrace.domain.address import mask_address, mask_text
from millrace.domain.bundle import MANIFEST_FILE
from millrace.domain.offer import OFFER_BYTES, digests_offered, offer_name
from millrace.durable import replace_file
from millrace.errors import UnavailableError

_LOCAL = {"auto_mkdir": True}
_S3 = {"config_kwargs": {"connect_timeout": 5, "read_timeout": 5, "retries": {"total_max_attempts": 1}}}
_OPTIONS: dict[str, dict[str, Any]] = {"file": _LOCAL, "local": _LOCAL, "s3": _S3, "s3a": _S3}
"""What a protocol needs of us. The controller looks at the remote between two ticks: it cannot wait long."""


class RemoteChannelError(UnavailableError):
    """The remote channel cannot be used now; services elsewhere go on with what they have."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(
            f"channel {url}: {reason}. Bring it back or correct MILLRACE_CHANNEL, then run "
            "`millrace reconcile`; services on this machine are not concerned"
        )


class RemoteChannel:
    """A copy of the channel at any address fsspec knows, laid out like the folder it is copied from."""

    def __init__(self, url: str) -> None:
        self.url, self._secret_url = mask_address(url), url
        with self._answering():
            from fsspec.core import url_to_fs
            from fsspec.utils import get_protocol

            options = _OPTIONS.get(get_protocol(url), {})
            self._files, self._root = url_to_fs(
                url, skip_instance_cache=True, use_listings_cache=False, **options
            )
            if hasattr(self._files, "retries"):
                self._files.retries = 2  # of five, each after a timeout of its own

    def read_pointers(self, models: Iterable[str]) -> dict[str, bytes | None]:
        """Return the content of each model's pointer, None where there is none."""
        asked = list(models)
        # the first alone: a store that does not answer is waited for once, and not for every model
        return self._read_together(asked[:1]) | self._read_together(asked[1:])

    def find_trouble(self, model: str, pointer: bytes, bundles: Sequence[Path]) -> str | None:
        """Return in what the remote differs from the model's local pointer and the folders it names."""
        for bundle in bundles:
            if lacking := self._list_lacking(bundle):
                return f"bundle {bundle.name[:12]} lacked {', '.join(path.name for path in lacking)}"
        found = self.read_pointers([model])[model]
        if found == pointer:
            return None
        return "no pointer" if found is None else "another pointer"

    def send_bundle(self, bundle: Path, *, anew: bool = False) -> None:
        """Copy what the remote lacks of a bundle, or `anew` all; where its manifest is, all of it is."""
        for path in _in_order(bundle) if anew else self._list_lacking(bundle):
            with self._answering():
                self._files.put_file(str(path), self._bundle_path(path))

    def send_pointer(self, model: str, content: bytes) -> None:
        """Make `content` the pointer that services elsewhere follow."""
        self._send(self._pointer_path(model), content)

    def list_models(self) -> list[str]:
        """Name whatever lies beside the bundles: a folder for each model."""
        return sorted(name for name in self._names(self._root) if name != "bundles")

    def list_offers(self, model: str) -> list[str]:
        """Name the versions of `model` that there are offers of, of whatever worth."""
        folder = str(PurePosixPath(f"{self._root}/{offer_name(model, '')}").parent)
        return digests_offered(self._names(folder))

    def read_offer(self, model: str, digest: str) -> bytes:
        """Return the bytes of an offer, and of one that is too large as many as show that."""
        path = f"{self._root}/{offer_name(model, digest)}"
        with self._answering():
            is_small = self._files.info(path)["size"] <= OFFER_BYTES
            return bytes(self._files.cat_file(path, end=None if is_small else OFFER_BYTES + 1))

    def send_offer(self, model: str, digest: str, content: bytes) -> None:
        """Put an offer there for the installation whose channel it is."""
        self._send(f"{self._root}/{offer_name(model, digest)}", content)

    def _send(self, path: str, content: bytes) -> None:
        with self._answering():
            if "file" in self._files.protocol:
                replace_file(Path(path), content)
            else:  # an object store shows the old or the new one, and a torn one is refused by its signature
                self._files.pipe_file(path, content)

    def _list_lacking(self, bundle: Path) -> list[Path]:
        """List the files of a bundle that the remote lacks, or has in another size; the manifest last."""
        files = _in_order(bundle)
        folder = str(PurePosixPath(self._bundle_path(files[0])).parent)
        with self._answering():
            try:
                listed = self._files.ls(folder, detail=True)
            except FileNotFoundError:
                listed = []
        sizes = {PurePosixPath(one["name"]).name: one["size"] for one in listed}
        return [path for path in files if sizes.get(path.name) != path.stat().st_size]

    def _names(self, folder: str) -> list[str]:
        with self._answering():
            try:
                return [PurePosixPath(path).name for path in self._files.ls(folder, detail=False)]
            except (FileNotFoundError, NotADirectoryError):
                return []

    def _pointer_path(self, model: str) -> str:
        return f"{self._root}/{model}/pointer.json"

    def _bundle_path(self, file: Path) -> str:
        return f"{self._root}/bundles/{file.parent.name}/{file.name}"

    def _read_together(self, models: Sequence[str]) -> dict[str, bytes | None]:
        paths = {self._pointer_path(model): model for model in models}
        with self._answering():
            found = self._files.cat(list(paths), on_error="return") if paths else {}
        contents: dict[str, bytes | None] = {}
        for path, model in paths.items():
            content = found[path]
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                raise RemoteChannelError(self.url, self._spell(content)) from content
            contents[model] = content if isinstance(content, bytes) else None
        return contents

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each store behind fsspec has errors of its own
            raise RemoteChannelError(self.url, self._spell(error)) from error

    def _spell(self, error: Exception) -> str:
        return mask_text(f"{type(error).__name__}: {error}".splitlines()[0], self._secret_url)


def _in_order(bundle: Path) -> list[Path]:
    return sorted(bundle.iterdir(), key=lambda path: (path.name == MANIFEST_FILE, path.name))
