"""Nodes, Eips, routers and settings come, change and go."""

from dataclasses import replace
from ipaddress import ip_address

from manager.snapshot import Assigned, Conflict, EipName, NodeName
from pointsman.model.liveness import Liveness
from pointsman.model.route import PeerName
from tests.manager.planner.evolving.life import Life
from tests.manager.planner.evolving.objects import EIPS, NODES, PEERS


class Things(Life):
    """A life in which what Services stand on is not the same for ever."""

    def _node(self) -> None:
        name = self.rng.choice(NODES)
        made = self._make.node(name)
        self._become(nodes={**self.snapshot.nodes, NodeName(name): made})

    def _no_node(self) -> None:
        gone = self._key(self.snapshot.nodes)
        self._become(nodes={n: one for n, one in self.snapshot.nodes.items() if n != gone})

    def _announcer(self) -> None:
        name = NodeName(self.rng.choice(NODES))
        made, before = self._make.announcer(name), self.snapshot.announcers.get(name)
        if before is not None:  # a report leaves what we wrote
            made = replace(made, spec=before.spec, assignments=before.assignments)
        found = {**self.snapshot.announcers, name: made}
        if self.rng.random() < 0.2:
            del found[name]
        self._become(announcers=found)

    def _conflict(self) -> None:
        """An agent hears another host, who has one of its addresses."""
        holders = [one for one in self.snapshot.announcers.values() if one.assignments]
        if holders:
            one = self.rng.choice(sorted(holders, key=lambda one: one.node))
            address = self.rng.choice([a for each in one.assignments for a in each.addresses])
            heard = replace(one, conflicts={address: Conflict("eth0", "02::9")})
            self._become(announcers={**self.snapshot.announcers, one.node: heard})

    def _assigned_by_hand(self) -> None:
        """Somebody edits a spec, or a node comes back that was thought dead."""
        name = self._key(self.snapshot.announcers)
        if name is not None:
            one = self.snapshot.announcers[name]
            there = Assigned("eth0", "Node", (ip_address(self._make.address()),))
            edited = replace(one, spec={"assignments": "edited"}, assignments=(there,))
            self._become(announcers={**self.snapshot.announcers, name: edited})

    def _heartbeats(self) -> None:
        name = NodeName(self.rng.choice(NODES))
        found = {**self.snapshot.liveness, name: self.rng.choice(list(Liveness))}
        if self.rng.random() < 0.5:
            del found[name]
        cut = {name: frozenset({"eth0"})} if self.rng.random() < 0.3 else {}
        self._become(liveness=found, links_down=cut)

    def _eip(self) -> None:
        name = EipName(self.rng.choice([*EIPS, "public", "public"]))
        made, before = self._make.eip(name), self.snapshot.eips.get(name)
        if before is not None:  # an edit leaves what we wrote
            made = replace(
                made,
                created=before.created,
                status=before.status,
                conditions=before.conditions,
                finalizers=before.finalizers,
            )
        self._become(eips={**self.snapshot.eips, name: made})

    def _no_eip(self) -> None:
        gone = self._key(self.snapshot.eips)
        self._become(eips={n: one for n, one in self.snapshot.eips.items() if n != gone})

    def _peer(self) -> None:
        name = PeerName(self.rng.choice(PEERS))
        made, before = self._make.peer(name), self.snapshot.bgp_peers.get(name)
        if before is not None:
            made = replace(made, created=before.created, conditions=before.conditions)
        self._become(bgp_peers={**self.snapshot.bgp_peers, name: made})

    def _no_peer(self) -> None:
        gone = self._key(self.snapshot.bgp_peers)
        self._become(bgp_peers={n: one for n, one in self.snapshot.bgp_peers.items() if n != gone})

    def _conf(self) -> None:
        name = self.rng.choice(["default", "default", "default", "other"])
        found = {**self.snapshot.bgp_confs, name: self._make.conf(name)}
        if self.rng.random() < 0.1:
            del found[name]
        self._become(bgp_confs=found)

    def _namespace(self) -> None:
        labels = {"team": self.rng.choice(["red", "blue"])}
        self._become(
            namespaces={"a": labels, "b": {}} if self.rng.random() < 0.8 else {"b": labels}
        )

    def _settings(self) -> None:
        replicas = self.rng.choice([None, 1, 2])
        self._become(settings=replace(self.snapshot.settings, replicas=replicas))

    def _secrets(self) -> None:
        read = self.rng.random() < 0.7
        found = {("bgp", "there"): self.rng.choice(["geheim", "secreto"])}
        self._become(secrets_read=read, secrets=found if read else {})
