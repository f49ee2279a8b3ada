"""What does one process of the prediction service hold, from its start to its end?"""

import asyncio
import gc
import logging
import os
import socket
import time
from functools import cache, partial
from typing import Any

from millrace.adapters import clock
from millrace.adapters.bundle_store import BundleStore
from millrace.adapters.channel_source import ChannelSource
from millrace.adapters.keys import load_verifier
from millrace.adapters.prediction_log.privacy import ensure_salt, private_columns
from millrace.adapters.prediction_log.writer import SegmentWriter
from millrace.adapters.tokens import TokenBook
from millrace.domain.prediction import Alive, ServedModel, Stopped
from millrace.serving.access import Gatekeeper
from millrace.serving.access_log import AccessLog
from millrace.serving.following import Follower, Loaded
from millrace.serving.http import RETRY_AFTER, RefusedError
from millrace.serving.journal import Journal
from millrace.serving.metrics import Metrics
from millrace.serving.receiving import Receiving
from millrace.serving.served import Served
from millrace.serving.settings import ServiceSettings
from millrace.serving.shadow import end_shadows
from millrace.serving.turns import Turns

ALIVE_SECONDS = 10.0
SALT_BYTES = 32
START_SECONDS = 5.0
"""How long a start may wait for what it is to serve; a channel that does not answer must not keep it."""
LINGER_SECONDS = 30.0
"""How long an arm that was swapped out still answers the requests that began with it."""

log = logging.getLogger(__name__)


class Service:
    """The models, their log, and who may ask; everything but HTTP."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings, self.limits = settings, settings.limits
        self.instance = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        self.started_at = clock.timestamp()
        self.metrics = Metrics()
        self.metrics.show_process()
        self.receiving = Receiving(settings.limits, self.metrics)
        self.gatekeeper = Gatekeeper(
            TokenBook(settings.tokens), settings.hosts, needs_token=settings.needs_token
        )
        self.access_log = AccessLog() if settings.has_access_log else None
        self.models: dict[str, Served] = {}
        self.turns = Turns(settings.limits.max_active)
        self._leaving: list[Served] = []
        self._troubled: dict[str, set[str]] = {}
        self.seconds = cache(self.metrics.seconds.labels)

    async def start(self) -> None:
        """Serve what the store has, then follow the channel."""
        loop = self._loop = asyncio.get_running_loop()
        self.writer = SegmentWriter(self.settings.predictions, self.instance)
        # in every privacy it is this one array, so that one that is found later is everywhere
        self._salt, self._has_salt = bytearray(os.urandom(SALT_BYTES)), False
        self._find_salt()
        if not self._has_salt:
            log.warning("%s: no secret for the hashes of the log yet", self.settings.predictions)
        self.journal = Journal(self.writer, loop)
        settings = self.settings
        self.follower = Follower(
            ChannelSource(settings.channel, settings.models),
            BundleStore(settings.store),
            load_verifier(settings.public_key),
            self._take,
            settings.interval_seconds,
        )
        # what was imported stays: a full collection that looks at it again holds up every request
        gc.freeze()
        self.follower.start()
        # a worker that listens before it has loaded takes requests from those that could answer them
        await loop.run_in_executor(None, self.follower.wait_until_ready, START_SECONDS)
        self._ticking = loop.create_task(self._tick())

    async def stop(self) -> None:
        """Let nothing be lost that was answered."""
        self._ticking.cancel()
        await self._loop.run_in_executor(None, self.follower.stop)
        ending = [*self._leaving, *self.models.values()]
        for served in ending:
            served.close()
        shadows = [shadow for served in ending for shadow in served.shadows]
        await self._loop.run_in_executor(None, end_shadows, shadows)
        self.journal.write(Stopped(self.instance, clock.timestamp()))
        await self._loop.run_in_executor(None, self.writer.close)
        if self.access_log:
            self.access_log.close()

    def find(self, model: str) -> Served:
        """Return what answers for a model.

        Raises
        ------
        RefusedError
            404 for a model nobody has told of, 503 for one whose bundle is not loaded.
        """
        if (served := self.models.get(model)) is not None:
            return served
        if self.follower.state(model) is None:
            raise RefusedError(
                404, "unknown_model", f"no model {model[:100]!r}; /readyz lists those there are"
            )
        raise RefusedError(
            503, "not_loaded", f"{model} has no proven bundle yet; /readyz says why", headers=RETRY_AFTER
        )

    def known(self, model: str) -> str:
        """Return a model's name for a metric: clients can invent any number of others."""
        return model if model in self.models else ""

    def readiness(self) -> dict[str, Any]:
        """Say what answers, what does not, and why."""
        models = {}
        for model in sorted({*self.models, *self.follower.models}):
            told = self._describe(model)
            models[model] = {
                "ready": model in self.models,
                "generation": told.generation,
                "answering": told.answering,
                "loaded": told.loaded,
                "trouble": told.trouble,
            }
        channel = self.follower.trouble
        return {
            "ready": self.follower.ready and bool(self.models),
            "instance": self.instance,
            "channel": channel.sentence if channel else None,
            "log": str(self.writer.last_error) if self.writer.last_error else None,
            "models": models,
        }

    def count_violation(self, model: str, field: str | None) -> None:
        """Count a field the schema refused; of names that are no columns there is no end, so they are one."""
        known = field if field in self.models[model].schema.names else "other"
        self.metrics.violations.labels(model, known).inc()

    def _take(self, model: str, loaded: Loaded) -> None:
        """Prepare a swap in the follower's thread, and make it in the loop's."""
        pointer = loaded.pointer
        make_privacy = partial(private_columns, settings=pointer.settings, salt=self._salt)
        served = Served(pointer, loaded.scorers, self.metrics, self.journal, make_privacy)
        self._loop.call_soon_threadsafe(self._swap, model, served)

    def _swap(self, model: str, served: Served) -> None:
        before = self.models.get(model)
        self.models = {**self.models, model: served}
        self._show_arms(served, before)
        if before is not None:
            self._leaving.append(before)
            self._loop.call_later(LINGER_SECONDS, before.close)
        self._tell_alive()

    def _show_arms(self, served: Served, before: Served | None) -> None:
        self.metrics.generation.labels(served.model).set(served.generation)
        for arms, share in ((before.pointer.arms if before else (), 0), (served.pointer.arms, 1)):
            for arm in arms:
                self.metrics.info.labels(served.model, arm.digest[:12], arm.role.value).set(
                    share * arm.weight
                )

    async def _tick(self) -> None:
        """Do each second what no request should have to."""
        told = 0.0
        while True:
            await asyncio.sleep(1.0)
            self.receiving.cut_slow(self._loop.time())
            self.gatekeeper.refresh()
            self._show()
            self._leaving = [served for served in self._leaving if served.has_shadows]
            if not self._has_salt:
                await self._loop.run_in_executor(None, self._find_salt)
            if (now := time.monotonic()) - told >= ALIVE_SECONDS:
                told = now
                self._tell_alive()

    def _show(self) -> None:
        metrics, writer = self.metrics, self.writer
        metrics.flush()
        metrics.active.set(self.turns.active)
        metrics.connections.set(self.receiving.open)
        metrics.log_waiting.set(writer.lag)
        metrics.log_lost.set(writer.lost_frames)
        metrics.log_failing.set(writer.last_error is not None)
        for model, served in self.models.items():
            metrics.shadow_queue.labels(model).set(sum(shadow.queued for shadow in served.shadows))
        for model in self.follower.models:
            self._show_trouble(model)

    def _show_trouble(self, model: str) -> None:
        state = self.follower.state(model)
        kind = state.trouble.kind.value if state and state.trouble else None
        for over in self._troubled.get(model, set()) - {kind}:
            self.metrics.trouble.labels(model, over).set(0)
        if kind is not None:
            self._troubled.setdefault(model, set()).add(kind)
            self.metrics.trouble.labels(model, kind).set(1)

    def _tell_alive(self) -> None:
        models = [self._describe(model) for model in sorted({*self.models, *self.follower.models})]
        self.journal.write(Alive(self.instance, clock.timestamp(), self.started_at, models))

    def _describe(self, model: str) -> ServedModel:
        served, state = self.models.get(model), self.follower.state(model)
        trouble = state.trouble.sentence if state and state.trouble else None
        loaded = state.digests if state else ()
        if served is None:
            return ServedModel(model, 0, 0, (), loaded, trouble)
        answering = tuple(arm.digest for arm in served.arms)
        return ServedModel(model, served.generation, served.pointer.revision, answering, loaded, trouble)

    def _find_salt(self) -> None:
        try:
            self._salt[:] = ensure_salt(self.settings.predictions)
            self._has_salt = True
        except OSError as error:
            # the log cannot be written either; until it can, a hash that nobody can compare is still no leak
            log.debug("%s: no secret for the hashes of the log: %s", self.settings.predictions, error)
