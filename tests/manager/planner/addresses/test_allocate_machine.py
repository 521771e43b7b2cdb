"""Services, Eips and people change their minds; the manager restarts after every step.

There is no allocator object: the next snapshot carries only what was written, so
surviving this machine *is* surviving a failover. The manager sees what it saw last plus
its own writes (a stale cache), and a write counts only if the object is still the one it
was planned from.
"""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from manager.planner.addresses.allocation_memo import AllocationMemo
from manager.planner.desired import Allocations
from manager.snapshot import Eip, EipName, Ingress, Observed, Service, ServicePort, Snapshot
from pointsman.model.address import Address, family_of, host_prefix
from pointsman.model.route import PathAttributes, Route, RouteKey
from tests.manager.planner.addresses import oracle
from tests.manager.planner.addresses.addressing import (
    BOTH,
    DUAL,
    V4,
    V6,
    Unsettled,
    apply,
    eip,
    in_order,
    labels,
    plan,
    service,
    written,
)

KEYS = st.sampled_from(["a/v", "a/w", "a/x", "a/y", "a/z", "b/x", "b/y", "b/z"])
EIPS = st.sampled_from(["p", "q", "r"])
ADDRESSES = st.sampled_from([f"192.0.2.{n}" for n in range(6)] + ["2001:db8::1", "198.51.100.9"])
STACKS = st.sampled_from([{}, {}, {"families": (V6,)}, DUAL, BOTH])
BLOCKS = st.sampled_from(
    [
        ("192.0.2.0/30",),
        ("192.0.2.0/30",),
        ("192.0.2.2-192.0.2.5",),
        ("192.0.2.4/31", "2001:db8::/127"),
        ("192.0.2.4/31", "2001:db8::/127"),
        ("2001:db8::1", "192.0.2.0"),
        ("192.0.2.5-192.0.2.1",),
    ]
)


def mostly_absent(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from([""] * 2 * len(texts) + [*texts])


REQUESTS = st.fixed_dictionaries(
    {
        "eip": mostly_absent("p", "q,p", "gone"),
        "addresses": mostly_absent(
            "192.0.2.0", "192.0.2.4", "192.0.2.1,192.0.2.3", "2001:db8::1", "nonsense"
        ),
    },
)
SHARES = st.fixed_dictionaries(
    {
        "share-key": st.sampled_from(["", "", "k", "k", "l"]),
        "share-namespaces": mostly_absent("a", "b", "*"),
    }
)
HINTS = st.sampled_from(
    [{}, {}, {"allocated-from": "p/192.0.2.3"}, {"allocated-from": "q/192.0.2.4"}]
)
PORTS = st.sampled_from([(80,), (443,), (80, 443), (8080,)])
TERMS = st.sampled_from(
    [
        {},
        {},
        {"labels": {"tier": "gold"}},
        {"policy": "Local"},
        {"policy": "Local", "selector": {"app": "1"}},
        {"policy": "Local", "selector": {"app": "1"}},
        {"policy": "Local", "selector": {"app": "2"}, "labels": {"tier": "gold"}},
    ]
)
CLOSED = st.sampled_from(
    [
        {},
        {},
        {},
        {},
        {"disabled": True},
        {"exclude": ("192.0.2.1",)},
        {"avoid_buggy_ips": True},
        {"namespaces": ("a",)},
        {"namespaces": ("b",), "service_selector": labels(tier="gold")},
    ]
)
SPECS = st.builds(
    lambda default, priority, closed: {"default": default > 0, "priority": priority, **closed},
    st.integers(0, 3),
    st.integers(1, 3),
    CLOSED,
)
LATER = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)  # who is to leave an address leaves at once
NEW = st.tuples(KEYS, STACKS, REQUESTS, SHARES, HINTS, PORTS, TERMS)
# What the manager does before the next thing happens: mostly it sees it and acts.
STAGES = st.sampled_from(["work", "work", "work", "rest", "rest", "unseen", "nothing"])


class AllocationMachine(RuleBasedStateMachine):
    """The API as it is (`world`), and as the manager believes it to be (`seen`)."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Snapshot()
        self.seen = Snapshot()
        self.routed: set[Address] = set()
        self.clock = 0
        self.memo = AllocationMemo()
        self.last: dict[str, set[Address]] = {}  # uid -> addresses we wrote last
        self.tampered: set[Address] = set()  # put into a status behind our back
        self.sharers: set[str] = set()  # uids that ever had a share-key

    # -- people

    @initialize(blocks=BLOCKS, spec=SPECS, others=st.lists(st.tuples(EIPS, BLOCKS, SPECS)))
    def begin(self, blocks, spec, others) -> None:
        self.put_eip("p", blocks, {**spec, "default": True})
        for name, more, choice in others:
            self.put_eip(name, more, choice)
        self.watch_catches_up()

    @rule(new=st.lists(NEW, min_size=1, max_size=6), stage=STAGES)
    def create(self, new, stage) -> None:
        for key, stack, request, share, hint, ports, terms in new:
            self.clock += 1
            self.put(
                service(
                    key,
                    notes={**request, **share, **hint},
                    uid=str(self.clock),
                    created=f"{self.clock // 2:09}",  # some are born together
                    ports=tuple(ServicePort("TCP", port) for port in ports),
                    **stack,
                    **terms,
                )
            )
        self.go_on(stage)

    @rule(new=NEW, stage=STAGES)
    def edit(self, new, stage) -> None:
        key, stack, request, share, _, ports, terms = new
        was = self.world.services.get(key)
        if was is not None:
            ours = {k: v for k, v in was.annotations.items() if k.endswith(("-from", "-as"))}
            now = service(
                key,
                notes={**request, **share},
                ports=tuple(ServicePort("TCP", port) for port in ports),
                **stack,
                **terms,
            )
            notes = {**now.annotations, **ours}
            retained = {f: getattr(was, f) for f in ("uid", "created", "ingress", "conditions")}
            self.put(replace(now, annotations=notes, **retained))
        self.go_on(stage)

    @rule(key=KEYS, stage=STAGES)
    def delete(self, key, stage) -> None:
        services = {k: s for k, s in self.world.services.items() if k != key}
        self.world = replace(self.world, services=services)
        self.go_on(stage)

    @rule(key=KEYS, foreign=st.sampled_from(["class", "type"]))
    def hand_over(self, key, foreign) -> None:
        """It is no longer ours, and nobody has cleaned up its status yet."""
        was = self.world.services.get(key)
        if was is not None and foreign == "class":
            self.put(replace(was, load_balancer_class="other.example/lb"))
        elif was is not None:
            self.put(replace(was, type="ClusterIP"))

    @rule(key=KEYS, address=st.none() | ADDRESSES, stage=STAGES)
    def tamper_with_status(self, key, address, stage) -> None:
        if key in self.world.services:
            entries = () if address is None else (Ingress(ip=address),)
            self.put(replace(self.world.services[key], ingress=entries))
            if address is not None:
                self.tampered.add(ip_address(address))
        self.go_on(stage)

    @rule(key=KEYS, index=st.integers(0, 3), stage=STAGES)
    def write_what_is_mentioned(self, key, index, stage) -> None:
        """Somebody gives a Service an address that its own condition speaks of."""
        service = self.world.services.get(key)
        texts = [] if service is None else oracle.mentioned(service)
        self.tamper_with_status(key, texts[index % len(texts)] if texts else None, stage)

    @rule(key=KEYS, hint=HINTS)
    def tamper_with_annotations(self, key, hint) -> None:
        was = self.world.services.get(key)
        if was is not None:
            retained = {
                k: v for k, v in was.annotations.items() if not k.endswith(("-from", "-as"))
            }
            forged = {oracle.P + k: v for k, v in hint.items()}
            # The API server remembers who wrote an annotation last, if it is there at all.
            ours = False if forged else None
            self.put(replace(was, annotations={**retained, **forged}, hints_are_ours=ours))

    @rule(name=EIPS, blocks=BLOCKS, spec=SPECS, stage=STAGES)
    def edit_eip(self, name, blocks, spec, stage) -> None:
        self.put_eip(name, blocks, spec)
        self.go_on(stage)

    def put_eip(self, name, blocks, spec) -> None:
        self.clock += 1
        was = self.world.eips.get(name)
        created = was.created if was is not None else f"{self.clock // 2:09}"
        deleting = was.deleting if was is not None else False
        self.put_object(eip(name, *blocks, created=created, deleting=deleting, **spec))

    @rule(name=EIPS, stage=STAGES)
    def delete_eip(self, name, stage) -> None:
        if name in self.world.eips:
            self.put_object(replace(self.world.eips[name], deleting=True))
        self.go_on(stage)

    # -- the manager

    def go_on(self, stage: str) -> None:
        if stage in ("work", "rest"):
            self.watch_catches_up()
        if stage in ("work", "unseen"):
            self.work(set())
        if stage == "rest":
            self.rest()

    @rule()
    def watch_catches_up(self) -> None:
        self.seen = self.world

    @rule()
    def speaker_catches_up(self) -> None:
        self.routed = {a for s in self.seen.services.values() for a in oracle.held(s)}

    @rule(fails=st.sets(KEYS))
    def work(self, fails) -> None:
        """Plan from what is seen; writes of *fails* and of changed objects are refused."""
        before = self.snapshot(self.seen)
        allocations = plan(before)
        self.check(before, allocations)
        world, seen = dict(self.world.services), dict(self.seen.services)
        for key, allocation in allocations.services.items():
            if key not in fails and world.get(key) == seen[key]:
                world[key] = seen[key] = written(seen[key], allocation)
                self.last[world[key].uid] = oracle.held(world[key])
                self.routed |= oracle.held(world[key])
        self.world = replace(self.world, services=world)
        self.seen = replace(self.seen, services=seen)
        gone = {
            n for n, e in self.seen.eips.items() if e.deleting and not allocations.eips[n].in_use
        }
        for name in gone:
            if self.world.eips.get(name) == self.seen.eips[name]:
                for snapshot in ("world", "seen"):
                    retained = {n: e for n, e in getattr(self, snapshot).eips.items() if n != name}
                    setattr(self, snapshot, replace(getattr(self, snapshot), eips=retained))

    def rest(self) -> None:
        """Everything catches up, and the plan settles: then nobody waits without need."""
        self.seen = self.world
        for _ in range(2 * len(self.world.services) + 3):
            before = self.world
            self.speaker_catches_up()
            self.work(set())
            if self.world == before:
                break
        else:
            raise AssertionError("the plan never settles")
        allocations = plan(self.snapshot(self.world))
        assert apply(self.world, allocations) == self.world
        for key, allocation in allocations.services.items():
            one = self.world.services[key]
            had = {family_of(g.address) for g in allocation.grants}
            lacking = tuple(f for f in oracle.families(one) if f not in had)
            if not oracle.faulty(one) and lacking:
                note(f"{key} lacks {lacking}: {allocation.verdict}")
                assert not oracle.could_be_served(self.world, one, lacking)
            if oracle.faulty(one):
                assert allocation.verdict.reason in ("InvalidAnnotation", "WrongFamily")
        self.tampered -= {a for a in self.tampered if self.holders(a) < 2}

    # -- laws

    def check(self, before: Snapshot, allocations: Allocations) -> None:
        backwards = replace(
            before,
            services=dict(reversed(list(before.services.items()))),
            eips=dict(reversed(list(before.eips.items()))),
        )
        assert plan(backwards) == allocations  # order never leaks
        assert in_order(plan(before, self.memo)) == in_order(allocations)
        assert in_order(plan(before, Unsettled())) == in_order(allocations)
        assert not allocations.failures
        given = {k: {g.address for g in a.grants} for k, a in allocations.services.items()}
        for key, addresses in given.items():
            one = before.services[key]
            for address in oracle.held(one) - addresses:
                assert self.gave_up(before, one, address, given), f"{key} lost {address}"
            for address in addresses - oracle.held(one):
                assert self.may_have(before, one, address, given), f"{key} was given {address}"
            for other, theirs in given.items():
                parts = {allocations.services[k].verdict.reason for k in (key, other)}
                both = oracle.held(one) & oracle.held(before.services[other])
                stays_yet = "ShareConflict" in parts and theirs & addresses <= both
                if other < key and theirs & addresses and not stays_yet:
                    assert oracle.may_share(one, before.services[other])
            verdict = allocations.services[key].verdict
            served = {family_of(a) for a in addresses}
            if verdict.ok and one.family_policy != "PreferDualStack":
                assert served == set(oracle.families(one))
            had = oracle.held(one) | (addresses & self.last.get(one.uid, set()))
            if one.family_policy == "RequireDualStack" and not had:
                assert len(served) in (0, 2)
            assert list(addresses) or not verdict.ok
        self.check_eips(before, allocations)

    def gave_up(self, before: Snapshot, one: Service, address: Address, given: dict) -> bool:
        family = family_of(address)
        now = {a for a in given[one.key] if family_of(a) is family}
        if family not in oracle.families(one):
            return True
        rivals = [
            other
            for other in before.services.values()
            if other.key in given and other.key != one.key and address in oracle.held(other)
        ]
        if any(not oracle.may_share(one, rival) for rival in rivals):
            return True
        if not oracle.marked(one) and not oracle.takes_over(before, one, address):
            return True  # no Eip might have given it
        ours = self.last.get(one.uid, set())
        if address not in ours and ours & given[one.key]:
            return True  # somebody wrote it over ours, which came back
        if oracle.faulty(one):
            return False
        wanted = oracle.requested(one, family)
        if wanted:
            return now == wanted
        return bool(oracle.items(one, "eip") and now)

    def may_have(self, before: Snapshot, one: Service, address: Address, given: dict) -> bool:
        comes_back = [
            key
            for key, addresses in given.items()
            if address in addresses and address in self.last.get(before.services[key].uid, ())
        ]  # after a wipe, on terms that the tables test; others may join it
        if one.key in comes_back:
            return True
        routed = address in self.routed and not self.holders(address) and not comes_back
        return bool(
            not routed
            and not oracle.faulty(one)
            and oracle.sources(before, one, address)
            and all(
                oracle.may_share(one, other)
                for other in before.services.values()
                if other.key != one.key and address in oracle.held(other)
            )
        )

    def check_eips(self, before: Snapshot, allocations: Allocations) -> None:
        holders = {a: None for s in before.services.values() for a in oracle.held(s)} | {
            g.address: None for a in allocations.services.values() for g in a.grants
        }
        ready = {e.name for e in oracle.ready_eips(before)}
        for name, usage in allocations.eips.items():
            assert usage.ready.ok is (name in ready)
            capacity, left = oracle.counts(before, before.eips[name], holders)
            assert usage.capacity.ipv4 + usage.capacity.ipv6 == capacity
            assert usage.available.ipv4 + usage.available.ipv6 == left
        for allocation in allocations.services.values():
            for grant in allocation.grants:
                assert grant.eip is None or allocations.eips[grant.eip].in_use

    @invariant()
    def no_address_is_held_twice_by_our_doing(self) -> None:
        found: dict[Address, list[Service]] = {}
        for one in self.world.services.values():
            for address in oracle.held(one):
                found.setdefault(address, []).append(one)
        for address, holders in found.items():
            if len(holders) > 1 and address not in self.tampered:
                assert {s.uid for s in holders} <= self.sharers

    # -- plumbing

    def put(self, one: Service) -> None:
        if one.annotations.get(oracle.P + "share-key"):
            self.sharers.add(one.uid)
        self.world = replace(self.world, services={**self.world.services, one.key: one})

    def put_object(self, one: Eip) -> None:
        self.world = replace(self.world, eips={**self.world.eips, EipName(one.name): one})

    def holders(self, address: Address) -> int:
        return sum(address in oracle.held(s) for s in self.seen.services.values())

    def snapshot(self, of: Snapshot) -> Snapshot:
        hop = {V4: ip_address("192.0.2.111"), V6: ip_address("2001:db8::111")}
        routes = {
            RouteKey(host_prefix(a), hop[family_of(a)]): Route(PathAttributes(), frozenset())
            for a in self.routed
        }
        return replace(of, speakers=(Observed(routes=routes),), taken_at=LATER)


TestAllocation = AllocationMachine.TestCase
# The same examples each time, or a rare one would fail a change that it has nothing to do with.
TestAllocation.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, derandomize=True
)
