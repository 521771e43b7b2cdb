"""Leadership over a coordination.k8s.io Lease.

The deciding is in `pointsman.runtime.elector`; here are the clock, the requests and the
log. Refuses to write anything but the one Lease, and to exit the process.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from manager.adapters.kubernetes.client import LEASES, Refused
from manager.adapters.kubernetes.fence import Fence
from manager.adapters.kubernetes.fields import Json
from manager.adapters.kubernetes.lease_codec import LeaseApi, lease_of, new_lease
from pointsman.model.names import LEASE, VERSION
from pointsman.model.timestamps import format_micro_time
from pointsman.runtime import elector
from pointsman.runtime.clock import Clock
from pointsman.runtime.elector import Lease, Take, Terms
from pointsman.runtime.target import Unavailable

log = logging.getLogger(__name__)


class Leadership:
    """Competes for the lease while `run` runs. *wake* is called when leading begins or ends.

    *went_back* is called when the Lease's resourceVersion is lower than it was: only a server
    whose store was put back to an earlier state counts so.
    """

    def __init__(
        self,
        leases: LeaseApi,
        *,
        name: str,
        namespace: str,
        clock: Clock,
        rng: random.Random,
        wake: Callable[[], None],
        duration_s: float = 6.0,
        went_back: Callable[[], None] = lambda: None,
        version: str = "",
    ) -> None:
        self._went_back, self._newest = went_back, 0
        self._leases, self._namespace = leases, namespace
        # For whoever looks from outside; only with the Lease itself, which is written anyway.
        self._notes = {VERSION: version} if version else {}
        self._clock, self._rng, self._wake = clock, rng, wake
        self._state = elector.State(Terms(name, duration_s))
        self._was_leading = False
        self.term = 0  # grows whenever leading begins: somebody else may have led before
        self._warned = ""
        # A lease too short for the usual request timeout gets a shorter one: a write that
        # may take longer than the lease lasts would never pass the fence.
        self._request_s = min(leases.request_timeout_s, duration_s / 3)
        self.fence = Fence(self._may_write, self._request_s)

    @property
    def leading(self) -> bool:
        """Return whether this replica leads now."""
        return self._may_write(0.0)

    @property
    def fresh(self) -> bool:
        """Return whether our view of the API is fresh: a renewal was seen within three periods."""
        return elector.is_fresh(self._state, self._clock.monotonic())

    @property
    def holder(self) -> str:
        """Return who holds the lease, as far as we know; "" for nobody."""
        return self._state.seen.holder if self._state.seen else ""

    async def confirm(self) -> bool:
        """Read the Lease now, and return whether it is ours; False, too, if it can't be read."""
        try:
            lease = await self._read()
        except (Unavailable, Refused):
            return False
        return self.leading and elector.holds(self._state, lease)

    async def run(self) -> None:
        """Compete until cancelled; then release, so that another takes over at once."""
        try:
            while True:
                pause_s = await self._compete()
                self._wake_on_change()
                await self._sleep(pause_s)
        finally:
            await self._release()

    async def _compete(self) -> float:
        """Read the lease and act; return the seconds until the next look."""
        retry_s = self._state.terms.retry_s
        try:
            lease = await self._read()
            self._state, action = elector.decide(self._state, lease, self._clock.monotonic())
            twin = elector.has_twin(self._state, lease)
            if twin:
                self._warn_once(self._twin)
            if isinstance(action, Take):
                await self._take(action)
                action = elector.Wait(self._state.terms.renew_s)
            if not twin:
                self._warned = ""
        except Refused as error:
            if error.code != 409:  # somebody was quicker
                self._warn_once(self._sentence(error))
            return retry_s
        except Unavailable as error:
            self._warn_once(f"Lease {self._namespace}/{LEASE}: {error}")
            return retry_s
        return action.seconds

    async def _read(self) -> Lease | None:
        try:
            async with asyncio.timeout(self._request_s):
                lease = lease_of(await self._leases.get(LEASES, self._namespace, LEASE))
        except TimeoutError as error:
            raise Unavailable("no answer in time") from error
        except Refused as error:
            if error.code == 404:
                return None
            raise
        self._compare(lease.version)
        return lease

    def _compare(self, version: str) -> None:
        """Notice a version that goes backwards. Nothing else is ever concluded from one."""
        if version.isdecimal():
            before, self._newest = self._newest, int(version)
            if self._newest < before:
                self._went_back()

    async def _take(self, action: Take) -> None:
        terms, started = self._state.terms, self._clock.monotonic()
        timestamp = self._timestamp()
        spec: dict[str, Any] = {
            "holderIdentity": terms.name,
            "leaseDurationSeconds": math.ceil(terms.duration_s),  # not less than we count on
            "renewTime": timestamp,
            "leaseTransitions": action.transitions,
        }
        if not action.renewal:
            spec["acquireTime"] = timestamp
        self._state = elector.attempted(self._state, timestamp)
        await self._write(spec, action.version)
        self._state = elector.renewed(self._state, started)

    async def _write(self, spec: Json, version: str) -> None:
        try:
            async with asyncio.timeout(self._request_s):
                if version:
                    meta: Json = {"resourceVersion": version}
                    if self._notes:
                        meta = {**meta, "annotations": self._notes}
                    body = {"metadata": meta, "spec": spec}
                    answer = await self._leases.patch(LEASES, self._namespace, LEASE, body=body)
                else:
                    answer = await self._leases.create(
                        LEASES, self._namespace, new_lease(LEASE, spec, self._notes)
                    )
                self._compare(lease_of(answer).version)
        except TimeoutError as error:
            raise Unavailable("no answer in time") from error
        except Refused as error:
            if version and error.code == 404:  # deleted since we read it: look again
                raise Refused(409, "Conflict", str(error)) from error
            raise

    async def _release(self) -> None:
        """Hand over: stop writing, wait for what is under way, then free the lease."""
        led, lease = self.leading, self._state.seen
        self._state = elector.released(self._state)
        self._wake_on_change()
        if not led:
            return
        with suppress(TimeoutError, Unavailable, Refused):
            async with asyncio.timeout(2 * self._request_s):
                await self.fence.idle()
                lease = await self._read()
                if lease is None or lease.renewed not in self._state.stamps:
                    return
                timestamp = self._timestamp()
                spec = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": timestamp}
                await self._write(spec, lease.version)
                log.info("released the lease: another replica may lead at once")

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but not past the end of our leadership: it must be noticed."""
        until = elector.leads_until(self._state)
        pause_s = seconds * self._rng.uniform(0.9, 1.0)
        if until is not None:
            pause_s = min(pause_s, max(until - self._clock.monotonic(), 0.0) + 0.001)
        await asyncio.sleep(pause_s)
        self._wake_on_change()

    def _wake_on_change(self) -> None:
        """Wake the reconciler when leading began or ended."""
        if self.leading != self._was_leading:
            self._was_leading = self.leading
            self.term += self.leading
            log.info("this replica %s", "leads" if self.leading else "no longer leads")
            self._wake()

    def _warn_once(self, sentence: str) -> None:
        if sentence != self._warned:
            log.warning("%s", sentence)
            self._warned = sentence

    @property
    def _twin(self) -> str:
        lease, name = f"Lease {self._namespace}/{LEASE}", self._state.terms.name
        return (
            f"{lease}: another manager holds it under our name {name}. Give every"
            " manager a --name of its own (in the manifests: its node's)."
        )

    def _sentence(self, error: Refused) -> str:
        lease = f"Lease {self._namespace}/{LEASE}"
        if error.code == 404:
            return (
                f"{lease} cannot be created: {error}. "
                f"Create namespace {self._namespace}, or name another with --namespace."
            )
        if error.code == 403:
            return f"{lease} may not be used: {error}. Grant get, create and patch on leases."
        return f"{lease}: the API server answered {error.code}: {error}"

    def _may_write(self, within_s: float) -> bool:
        return elector.may_write(self._state, self._clock.monotonic(), within_s=within_s)

    def _timestamp(self) -> str:
        """Return the time as metav1.MicroTime, never the one that stands there already."""
        timestamp = format_micro_time(self._clock.wall())
        seen = self._state.seen
        taken = {*self._state.stamps, seen.renewed if seen else ""}
        if timestamp not in taken:
            return timestamp
        micros = int(timestamp[20:26])
        return next(
            text
            for step in range(1, len(taken) + 2)
            if (text := f"{timestamp[:20]}{(micros + step) % 1_000_000:06d}Z") not in taken
        )
