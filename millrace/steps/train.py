"""Training: search, fit, export, and write the challenger's bundle beside its baseline's."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from millrace.adapters import export, training
from millrace.adapters.bundle import digest_of_files, write_bundle
from millrace.adapters.channel import bundles_folder
from millrace.adapters.git import head_commit
from millrace.adapters.models import load_builder
from millrace.adapters.scorer import Answering, open_scorer
from millrace.adapters.search import SearchResult, search_parameters
from millrace.domain.bundle import (
    EXAMPLES_FILE,
    PROFILE_FILE,
    SCHEMA_FILE,
    CodeDigests,
    Manifest,
    Schema,
    digests_of,
)
from millrace.domain.canonical import canonical_json
from millrace.domain.claim import Claim
from millrace.domain.config import ModelConfig
from millrace.domain.facts import ChallengerTrained, DecisionMade
from millrace.domain.features import feature_frame
from millrace.domain.profile import Reference, make_reference
from millrace.domain.proposal.allowed import check_personal
from millrace.domain.schema import hide_inputs, schema_of
from millrace.domain.threshold import choose_threshold
from millrace.settings import PROJECT_ROOT, load_settings
from millrace.steps.actor import current_actor
from millrace.steps.contract.review import ensure_reviewed
from millrace.steps.refit import find_parameters
from millrace.steps.rows import SplitRows
from millrace.steps.stores import ledger, model_config

LOCK = "requirements.lock"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TrainedBundles:
    """The challenger and its baseline as they lie in a store, each by its digest, and how it was found."""

    digest: str
    baseline: str
    exported: export.ExportedScorer
    search: SearchResult
    threshold: float | None = None


def train_challenger(
    model: str, rows: SplitRows, decision: DecisionMade, claim: Claim, now: datetime, on_trial: Progress
) -> ChallengerTrained:
    """Train the challenger and its baseline and record them; a run that was taken up again finds its own.

    Raises
    ------
    PersonalFeatureError
        If a feature looks like data about persons, and model.toml does not allow it by name.
    UnreviewedContractError
        If the contract lets more in than the recorded one, and nobody has accepted that.
    """
    done = find_trained(model, decision.run_key)
    if done is not None:
        return done
    config, started = model_config(model), time.monotonic()
    ensure_reviewed(config)
    check_personal(config, rows.training.frame)
    given = find_parameters(model, decision.inputs)
    made = train_bundles(config, rows, bundles_folder(load_settings().channel), on_trial, given)
    fact = ChallengerTrained(
        run_key=decision.run_key,
        digest=made.digest,
        engine=made.exported.engine,
        baseline=made.baseline,
        constant=training.constant_answer(
            rows.training.labels, config.model.task, config.gate.metric, config.gate.quantile
        ),
        inputs=decision.inputs,
        rows=len(rows.training.frame),
        agreement=made.exported.agreement,
        parameters=made.search.parameters,
        trials=tuple(
            {"number": one.number, "loss": one.loss, **one.parameters} for one in made.search.trials
        ),
        seconds=round(time.monotonic() - started, 3),
        git_commit=head_commit(PROJECT_ROOT),
        fallback=made.exported.reason,
        threshold=made.threshold,
        estimator=config.training.estimator,
    )
    ledger().append(model, fact, now, current_actor(), claim)
    return fact


def train_bundles(
    config: ModelConfig,
    rows: SplitRows,
    store: Path,
    on_trial: Progress,
    given: Mapping[str, object] | None = None,
) -> TrainedBundles:
    """Search, fit and export the challenger, and its baseline beside it; no ledger knows of them yet.

    With hyperparameters that are `given` nothing is searched.
    """
    learned = learn_rows(config, rows)
    found = _search(config, learned, on_trial) if given is None else SearchResult(dict(given), ())
    custom = load_builder(load_settings().models, config)
    threshold = choose_own_threshold(config, learned, found.parameters, custom)
    digest, exported = _make_bundle(config, rows, learned, found.parameters, store, threshold)
    plain, unweighted = training.baseline_config(config), replace(learned, weights=None)
    simple = choose_own_threshold(plain, unweighted, {}, None)
    baseline, _ = _make_bundle(plain, rows, unweighted, {}, store, simple)
    return TrainedBundles(digest, baseline, exported, found, threshold)


def find_trained(model: str, run_key: str) -> ChallengerTrained | None:
    """Return what the run has trained already, None when it has not."""
    for entry in ledger().entries(model, (ChallengerTrained,)):
        if isinstance(entry.fact, ChallengerTrained) and entry.fact.run_key == run_key:
            return entry.fact
    return None


def _search(config: ModelConfig, learned: training.Learned, on_trial: Progress) -> SearchResult:
    if config.training.search is None:
        return SearchResult(dict(config.training.parameters), ())
    custom = load_builder(load_settings().models, config)
    answer = training.answer_folds(config, custom, learned.features, learned.labels, learned.weights)
    return search_parameters(config, config.training.search, learned.labels, learned.blocks, answer, on_trial)


def learn_rows(config: ModelConfig, rows: SplitRows) -> training.Learned:
    """Bring the training rows into the form a pipeline is fitted to."""
    learned, inputs = rows.training, schema_of(config, rows.classes).inputs
    weights = training.row_weights(learned.frame, config)
    features = feature_frame(learned.frame, inputs)
    return training.Learned(features, learned.labels, learned.blocks, weights, rows.classes)


def choose_own_threshold(
    config: ModelConfig,
    learned: training.Learned,
    parameters: Mapping[str, object],
    custom: training.CustomBuild | None,
) -> float | None:
    """Choose a threshold by `[training.threshold]` on answers to unseen rows; None where it is not there."""
    if config.training.threshold is None:
        return None
    answers = training.answer_unseen(config, parameters, custom, learned)
    policy = config.training.threshold
    return choose_threshold(policy, learned.labels, answers, learned.weights, learned.classes)


def _make_bundle(
    config: ModelConfig,
    rows: SplitRows,
    learned: training.Learned,
    parameters: Mapping[str, object],
    store: Path,
    threshold: float | None,
) -> tuple[str, export.ExportedScorer]:
    schema = schema_of(config, rows.classes, threshold)
    custom = load_builder(load_settings().models, config)
    pipeline = training.fit_model(config, parameters, custom, learned)
    exported = export.export_scorer(pipeline, schema, config.gate, rows.golden.frame, open_scorer)
    answering = open_scorer(exported.engine, exported.content, schema)
    shown = hide_inputs(rows.golden.frame, schema.inputs, config.hidden)
    files = {
        exported.file_name: exported.content,
        SCHEMA_FILE: canonical_json(schema).encode(),
        PROFILE_FILE: canonical_json(_reference(config, rows, schema, answering)).encode(),
        EXAMPLES_FILE: canonical_json(export.make_examples(shown, schema, answering)).encode(),
    }
    manifest = Manifest(
        model=config.name,
        task=config.model.task,
        engine=exported.engine,
        files=digests_of(files),
        dataset=rows.dataset,
        training_blocks=tuple(sorted(rows.training.block_names)),
        code=_code_digests(config.name),
        seed=config.training.seed,
        environment=training.training_environment(config.training.estimator),
    )
    return write_bundle(store, manifest, files), exported


def _reference(config: ModelConfig, rows: SplitRows, schema: Schema, answering: Answering) -> Reference:
    # what is asked in production is newer than what was learned from, and so are the recent rows
    unseen = rows.recent if len(rows.recent.labels) else rows.golden
    answers = answering(unseen.frame)
    return make_reference(rows.training.frame, rows.training.labels, answers, schema, config)


def _code_digests(model: str) -> CodeDigests:
    return CodeDigests(
        millrace=digest_of_files(PROJECT_ROOT / "millrace"),
        flows=digest_of_files(PROJECT_ROOT / "flows"),
        tasks=digest_of_files(PROJECT_ROOT / "tasks"),
        model_files=digest_of_files(load_settings().models / model),
        lock=digest_of_files(PROJECT_ROOT / LOCK),
    )
