"""Speakers restart, fall silent, hold what nobody put; sessions go up and down."""

from dataclasses import replace
from ipaddress import IPv4Network, ip_address, ip_network
from typing import Any

from manager.snapshot import Observed
from pointsman.model.route import LIVE, PathAttributes, PeerName, Route, RouteKey, SessionReport
from tests.manager.planner.evolving.life import Life, with_route
from tests.manager.planner.evolving.objects import PEERS


class Speakers(Life):
    """A life in which what is read back is not always what was told."""

    def _turn(self, index: int, **fields: Any) -> None:
        speakers = list(self.snapshot.speakers)
        speakers[index] = replace(speakers[index], **fields)
        self._become(speakers=tuple(speakers))

    def _any_speaker(self) -> tuple[int, Observed]:
        index = self.rng.randrange(len(self.snapshot.speakers))
        return index, self.snapshot.speakers[index]

    def _session(self) -> None:
        index, seen = self._any_speaker()
        known = sorted(seen.neighbors) or list(map(PeerName, PEERS))
        name = self.rng.choice(known)
        found = {**seen.sessions, name: self._report()}
        if self.rng.random() < 0.1:
            del found[name]
        self._turn(index, sessions=found)

    def _silence(self) -> None:
        index, _ = self._any_speaker()
        states: list[dict[str, Any]] = [
            *[{"fresh": True, "sessions_unknown": False, "known": True, "silent_s": None}] * 4,
            {"fresh": False, "silent_s": 2.0},
            {"fresh": False, "sessions_unknown": True, "sessions": {}, "silent_s": 9.0},
            {"fresh": True, "refused": self.rng.choice(["", "port 179 is taken"])},
            {"fresh": False, "known": False},
        ]
        self._turn(index, **self.rng.choice(states))

    def _restart(self) -> None:
        index, _ = self._any_speaker()
        speakers = list(self.snapshot.speakers)
        speakers[index] = Observed()
        self._become(speakers=tuple(speakers))

    def _stray_path(self) -> None:
        index, seen = self._any_speaker()
        key, route = self._path(index)
        self._turn(index, routes=with_route(seen.routes, key, route))

    def _putting(self) -> None:
        index, _ = self._any_speaker()
        some = {ip_network(f"198.51.100.{self.rng.randrange(10)}/32") for _ in range(2)}
        self._turn(index, putting=frozenset(some) if self.rng.random() < 0.6 else frozenset())

    def _pending(self) -> None:
        key = self._key(self.snapshot.services)
        lost = self.rng.random() < 0.5 or key is None
        given = () if lost else (ip_address(self._make.address()),)
        self._become(pending={key: given} if given else {})

    def _report(self) -> SessionReport:
        """Return how a session goes."""
        if self._make.odd(0.3):
            state = self.rng.choice(["Idle", "Active", "OpenSent"])
            down_s = self.rng.choice([None, 1.0, 100.0])
            return SessionReport(
                state, last_error=self.rng.choice(["", "it hangs up"]), down_s=down_s
            )
        return SessionReport(
            LIVE,
            add_path_negotiated=self._make.chance(0.7),
            families=("ipv4-unicast", "ipv6-unicast"),
            ipv6_next_hops=self._make.chance(0.3),
            graceful_restart=self._make.chance(0.3),
            advertised_paths=self.rng.randrange(5),
            received_prefixes=self.rng.choice([0, 0, 2000]),
        )

    def _path(self, speaker: int) -> tuple[RouteKey, Route]:
        """Return a path that somebody put, perhaps we before we restarted."""
        rng = self.rng
        prefix = IPv4Network(f"198.51.100.{rng.randrange(10)}/32")
        key = RouteKey(prefix, ip_address(f"192.0.2.1{rng.randrange(1, 5)}"), speaker)
        return key, Route(PathAttributes(), frozenset({PeerName(rng.choice(PEERS))}))
