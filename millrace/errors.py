"""What can go wrong, as facts: every error says what was found, what was needed, and what to do next."""


class MillraceError(Exception):
    """An error Millrace understands; retrying it unchanged cannot help."""


class UnavailableError(MillraceError):
    """Another system does not answer: of our errors the one that time can cure."""


class UnknownModelError(MillraceError):
    """No folder of that name stands under the models folder."""

    def __init__(self, model: str, known: list[str], nearest: str | None) -> None:
        self.model, self.known, self.nearest = model, known, nearest
        hint = f"; did you mean {nearest!r}?" if nearest else "."
        super().__init__(f"no model {model!r}{hint} Known models: {', '.join(known) or 'none'}")


class ModelFileError(MillraceError):
    """A `model.toml` that cannot be used, with every mistake found in it."""

    def __init__(self, path: str, mistakes: list[str]) -> None:
        self.path, self.mistakes = path, mistakes
        super().__init__(f"{path}: " + "; ".join(mistakes))


class UnknownBatchError(MillraceError):
    """A model's source was asked for a batch it does not have."""

    def __init__(self, batch: str, known: tuple[str, ...]) -> None:
        self.batch, self.known = batch, known
        super().__init__(f"no batch {batch!r}; the source has {', '.join(known)}")


class NoSpaceError(MillraceError):
    """A disk has no room for what is to be written; nothing of it is left behind."""

    def __init__(self, folder: str, needed_bytes: int) -> None:
        self.folder, self.needed_bytes = folder, needed_bytes
        super().__init__(
            f"{folder}: no room for {needed_bytes:,} bytes. Nothing was kept of them; "
            "free that much and run the same command again"
        )


class AmbiguousNameError(MillraceError):
    """The first characters of a digest that several things share."""

    def __init__(self, name: str, matches: tuple[str, ...]) -> None:
        self.name, self.matches = name, matches
        shown = ", ".join(match[:16] for match in matches[:5])
        super().__init__(f"{name!r} could be {len(matches)} of them: {shown}. Write more of it")


class MissingReasonError(MillraceError):
    """An act that goes to the ledger with a reason was given none."""

    def __init__(self, act: str) -> None:
        self.act = act
        super().__init__(
            f"a {act} needs a reason: it stands in the ledger for years. Write one after --reason"
        )
