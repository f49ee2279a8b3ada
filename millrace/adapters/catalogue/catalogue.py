"""What did each training do, which version came of it, and which version has which alias?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from millrace.adapters.catalogue.model_folder import data_path, write_model_files
from millrace.adapters.catalogue.record import TrainingRecord, metrics_of, params_of, write_tables
from millrace.adapters.catalogue.reports import ReportRecord, write_report
from millrace.adapters.catalogue.store import open_client
from millrace.errors import MillraceError, UnavailableError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

BUNDLE = "bundle"
"""The artifact folder of a run that holds its bundle, and the tag that holds its digest."""

RUN_KEY = "run_key"


@dataclass(frozen=True)
class RegisteredVersion:
    """The version of a model that a training became, and its run."""

    version: int
    run_id: str


class UnregisteredVersionError(MillraceError):
    """An alias should point at a version that the catalogue does not hold."""

    def __init__(self, model: str, version: int) -> None:
        self.model, self.version = model, version
        super().__init__(
            f"{model}: the catalogue has no version {version} for an alias to point at, someone deleted it "
            f"there. `millrace history {model}` lists the versions; `millrace doctor` compares them"
        )


class CatalogueUnavailableError(UnavailableError):
    """The MLflow store does not answer, or refuses."""

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(
            f"the MLflow catalogue at {place} did not do it: {reason}. Nothing served has changed; "
            "start it, or correct MLFLOW_TRACKING_URI, and run the same command again"
        )


class Catalogue:
    """The MLflow store at `url`; new experiments keep their artifacts under `artifacts`."""

    def __init__(self, url: str, artifacts: Path) -> None:
        self._url = url
        self._artifacts = artifacts.absolute()

    def record(self, record: TrainingRecord) -> RegisteredVersion:
        """Write down a training and register its bundle; what was done already is not done again.

        A run counts once it is finished: one that a crash left half written is deleted and
        written anew, a finished one without a version is only registered.
        """
        with self._explained():
            experiment = self._experiment_id(record.model)
            run_id = self._find_finished_run(experiment, record) or self._write_run(experiment, record)
            version = self._newest_version(f"run_id = '{run_id}'") or self._register(record, run_id)
        return RegisteredVersion(version, run_id)

    def keep_report(self, record: ReportRecord) -> str:
        """Write a report down as a run of its own and return its id; done again, it is found again."""
        with self._explained():
            return write_report(self._client, self._experiment_id(record.model), record)

    def set_alias(self, model: str, alias: str, version: int | None) -> None:
        """Point `alias` at `version`; None takes the alias away."""
        with self._explained():
            if version is not None:
                self._point_alias(model, alias, version)
            elif self.alias(model, alias) is not None:
                self._client.delete_registered_model_alias(model, alias)

    def alias(self, model: str, alias: str) -> int | None:
        """Return the version `alias` points at, None when it points nowhere."""
        with self._explained():
            registered = self._registered_model(model)
        version = registered.aliases.get(alias) if registered else None
        return None if version is None else int(version)

    def find_version(self, model: str, digest: str) -> int | None:
        """Return the newest version that is the bundle `digest`, None when there is none."""
        with self._explained():
            return self._newest_version(f"name = '{model}' and tag.{BUNDLE} = '{digest}'")

    def page_of(self, run_id: str) -> str:
        """Return where a run stands in MLflow's UI, from its address on."""
        with self._explained():
            experiment = self._client.get_run(run_id).info.experiment_id
        return f"#/experiments/{experiment}/runs/{run_id}"

    def is_reachable(self) -> bool:
        """Return whether the store answers."""
        try:
            with self._explained():
                self._client.search_experiments(max_results=1)
        except CatalogueUnavailableError:
            return False
        return True

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError, OSError) as error:
            # The address may hold a password: its host, or its file, is enough to find it.
            place = urlsplit(self._url).hostname or self._url
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise CatalogueUnavailableError(place, reason) from error

    @cached_property
    def _client(self) -> "MlflowClient":
        return open_client(self._url)

    def _experiment_id(self, model: str) -> str:
        found = self._client.get_experiment_by_name(model)
        if found is not None:
            return str(found.experiment_id)
        # where an MLflow server keeps its artifacts is its own business
        is_served = self._url.startswith(("http://", "https://"))
        location = None if is_served else (self._artifacts / model).as_uri()
        return str(self._client.create_experiment(model, artifact_location=location))

    def _find_finished_run(self, experiment: str, record: TrainingRecord) -> str | None:
        for run in self._client.search_runs([experiment], f"tags.{RUN_KEY} = '{record.run_key}'"):
            if run.info.status == "FINISHED":
                return str(run.info.run_id)
            self._client.delete_run(run.info.run_id)
        return None

    def _write_run(self, experiment: str, record: TrainingRecord) -> str:
        run = self._client.create_run(
            experiment,
            start_time=record.at_ms,
            tags={**record.tags, RUN_KEY: record.run_key, BUNDLE: record.digest},
            run_name=record.digest[:12],
        )
        run_id = str(run.info.run_id)
        self._client.log_batch(run_id, metrics_of(record), params_of(record))
        self._log_files(run_id, record)
        self._client.set_terminated(run_id, "FINISHED", end_time=record.at_ms)
        return run_id

    def _log_files(self, run_id: str, record: TrainingRecord) -> None:
        bundle = str(record.bundle_dir)
        self._client.log_artifacts(run_id, bundle, f"{BUNDLE}/{data_path(record.digest)}")
        with TemporaryDirectory() as folder:
            write_tables(Path(folder), record)
            write_model_files(Path(folder) / BUNDLE, run_id, record)
            self._client.log_artifacts(run_id, folder)

    def _register(self, record: TrainingRecord, run_id: str) -> int:
        if self._registered_model(record.model) is None:
            self._client.create_registered_model(record.model)
        artifacts = self._client.get_run(run_id).info.artifact_uri
        tags = {RUN_KEY: record.run_key, BUNDLE: record.digest}
        version = self._client.create_model_version(record.model, f"{artifacts}/{BUNDLE}", run_id, tags)
        return int(version.version)

    def _point_alias(self, model: str, alias: str, version: int) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.set_registered_model_alias(model, alias, str(version))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise UnregisteredVersionError(model, version) from error

    def _newest_version(self, condition: str) -> int | None:
        found = self._client.search_model_versions(condition)
        return max((int(version.version) for version in found), default=None)

    def _registered_model(self, model: str) -> "RegisteredModel | None":
        return next(iter(self._client.search_registered_models(f"name = '{model}'")), None)
