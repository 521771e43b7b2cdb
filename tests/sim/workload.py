"""What users and nodes do to a world: random deeds, one seed. Refuses to check anything."""

import random
from datetime import timedelta
from typing import Any

from manager.adapters.kubernetes.client import BGP_PEERS, EIPS, ENDPOINT_SLICES, NODES, SERVICES
from tests.sim.laws import PREFIX
from tests.sim.world import NOON, POISONED, ROUTERS, SPARE_ROUTER, World, now

NODE_NAMES = ("node1", "node2", "node3", "node4")
EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
NAMES = [f"s{number}" for number in range(12)]
POOLS = {
    "public": [["198.51.100.0/29", "2001:db8:f::/125"], ["198.51.100.0/30", "2001:db8:f::/125"]],
    "spare": [["203.0.113.8/31"], ["203.0.113.8/30"]],
}
Raw = dict[str, Any]


class Users:
    """People with kubectl, and the controllers that report endpoints and nodes."""

    def __init__(self, world: World) -> None:
        self.world, self.api = world, world.api
        self.rng = random.Random(f"{world.seed} users")

    def arrive(self) -> None:
        """Make the cluster that every story begins with."""
        for number, name in enumerate(NODE_NAMES, 11):
            self.api.put(NODES, _node(name, number))
        for name, forms in POOLS.items():
            spec = {"addresses": forms[0], "default": name == "public"}
            self.api.put(EIPS, {"metadata": {"name": name, "generation": 1}, "spec": spec})
        self.create(POISONED)
        for name in NAMES[:6]:
            self.create(name)

    def act(self) -> None:
        """Do one random thing."""
        deeds = [
            (4, self._create_or_delete),
            (4, self._move_endpoints),
            (2, self._edit),
            (2, self._node),
            (1, self._pool),
            (1, self._router),
        ]
        weights = [weight for weight, _ in deeds]
        self.rng.choices([deed for _, deed in deeds], weights)[0]()

    def create(self, name: str) -> None:
        """Create a Service and its endpoints."""
        stamp = (NOON + timedelta(seconds=now())).strftime("%Y-%m-%dT%H:%M:%SZ")
        spec: Raw = {
            "type": "LoadBalancer",
            "externalTrafficPolicy": self.rng.choice(["Cluster", "Cluster", "Local"]),
            "ports": [{"protocol": "TCP", "port": self.rng.choice([80, 443, 8080])}],
            "selector": {"app": name},
            "clusterIP": "10.0.0.1",
            "ipFamilies": ["IPv4"],
        }
        annotations: dict[str, str] = {}
        match self.rng.randrange(8):
            case 0:
                spec |= {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]}
            case 1:
                annotations[PREFIX + "addresses"] = f"198.51.100.{self.rng.randrange(8)}"
            case 2:
                annotations[PREFIX + "share-key"] = "together"
            case 3:
                annotations[PREFIX + "eip"] = "spare"
        meta = {"name": name, "namespace": "shop", "annotations": annotations}
        self.api.put(SERVICES, {"metadata": {**meta, "creationTimestamp": stamp}, "spec": spec})
        self._endpoints(name)

    def _create_or_delete(self) -> None:
        name = self.rng.choice(NAMES)
        if ("services", "shop", name) in self.api.objects:
            self.api.remove(SERVICES, name, "shop")
            self.api.remove(ENDPOINT_SLICES, name, "shop")
        else:
            self.create(name)

    def _move_endpoints(self) -> None:
        if there := self._services():
            self._endpoints(self.rng.choice(there))

    def _endpoints(self, name: str) -> None:
        ready = self.rng.random() < 0.85
        nodes = self.rng.sample(NODE_NAMES, self.rng.randrange(0 if ready else 1, 4))
        self.api.put(
            ENDPOINT_SLICES,
            {
                "metadata": {
                    "name": name,
                    "namespace": "shop",
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "endpoints": [
                    {
                        "addresses": [f"10.1.0.{number}"],
                        "nodeName": node,
                        "conditions": {"ready": ready},
                    }
                    for number, node in enumerate(sorted(nodes), 1)
                ],
            },
        )

    def _edit(self) -> None:
        if there := self._services():
            name = self.rng.choice(there)
            edits = [_request, _withdraw_request, _port, _policy, _no_more, _again, _label]
            edit = self.rng.choice(edits)
            if edit is not _label:
                self.world.laws.asks(self.api.of(SERVICES)[f"shop/{name}"]["metadata"]["uid"])
            self.api.edit(SERVICES, f"shop/{name}", lambda raw: edit(raw, self.rng))

    def _node(self) -> None:
        name = self.rng.choice(NODE_NAMES)
        change = self.rng.choice([_ready, _unready, _drain, _undrain, _exclude, _include])
        self.api.edit(NODES, name, change)

    def _pool(self) -> None:
        name = self.rng.choice(sorted(POOLS))
        forms = self.rng.choice(POOLS[name])
        disabled = self.rng.random() < 0.3

        def change(raw: Raw) -> None:
            raw["spec"] |= {"addresses": forms, "disabled": disabled}

        self.api.edit(EIPS, name, change)

    def _router(self) -> None:
        if "tor-b" in self.api.of(BGP_PEERS) and self.rng.random() < 0.3:
            self.api.remove(BGP_PEERS, "tor-b")
        else:
            self._place_router(self.rng.choice([ROUTERS["tor-b"], SPARE_ROUTER]))

    def _place_router(self, address: str) -> None:
        """Change in place what an export rule is about, or have it made anew."""
        if "tor-b" in self.api.of(BGP_PEERS):
            self.api.edit(BGP_PEERS, "tor-b", lambda raw: raw["spec"].update(address=address))
        else:
            spec = {"address": address, "as": 64500}
            meta = {"name": "tor-b", "generation": 1}
            self.api.put(BGP_PEERS, {"metadata": meta, "spec": spec})

    def go_home(self) -> None:
        """Leave a cluster in which something can be served."""
        self._place_router(ROUTERS["tor-b"])
        self.api.edit(NODES, "node1", _ready)
        self.api.edit(NODES, "node1", _undrain)
        self.api.edit(NODES, "node1", _include)

    def _services(self) -> list[str]:
        return sorted(key.split("/")[1] for key in self.api.of(SERVICES) if POISONED not in key)


def _node(name: str, number: int) -> Raw:
    addresses = [
        {"type": "InternalIP", "address": f"192.0.2.{number}"},
        {"type": "InternalIP", "address": f"2001:db8:2::{number}"},
    ]
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "metadata": {"name": name, "labels": {}, "annotations": {}},
        "spec": {},
        "status": {"addresses": addresses, "conditions": ready},
    }


def _request(raw: Raw, rng: random.Random) -> None:
    raw["metadata"]["annotations"][PREFIX + "addresses"] = f"198.51.100.{rng.randrange(8)}"


def _withdraw_request(raw: Raw, _: random.Random) -> None:
    raw["metadata"]["annotations"].pop(PREFIX + "addresses", None)


def _port(raw: Raw, rng: random.Random) -> None:
    raw["spec"]["ports"] = [{"protocol": "TCP", "port": rng.choice([80, 443, 8080])}]


def _policy(raw: Raw, rng: random.Random) -> None:
    raw["spec"]["externalTrafficPolicy"] = rng.choice(["Cluster", "Local"])


def _no_more(raw: Raw, _: random.Random) -> None:
    raw["spec"]["type"] = "ClusterIP"


def _again(raw: Raw, _: random.Random) -> None:
    raw["spec"]["type"] = "LoadBalancer"


def _label(raw: Raw, rng: random.Random) -> None:
    raw["metadata"]["labels"] = {"changed": str(rng.random())}


def _ready(raw: Raw) -> None:
    raw["status"]["conditions"][0]["status"] = "True"


def _unready(raw: Raw) -> None:
    raw["status"]["conditions"][0]["status"] = "Unknown"


def _drain(raw: Raw) -> None:
    raw["metadata"]["annotations"][PREFIX + "drain"] = "true"


def _undrain(raw: Raw) -> None:
    raw["metadata"]["annotations"].pop(PREFIX + "drain", None)


def _exclude(raw: Raw) -> None:
    raw["metadata"]["labels"][EXCLUDE] = ""


def _include(raw: Raw) -> None:
    raw["metadata"]["labels"].pop(EXCLUDE, None)
