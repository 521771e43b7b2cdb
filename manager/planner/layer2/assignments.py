"""Who owns each address, of all wishes together, and what the Announcers' specs say of it.

At most one spec holds an address at any moment: a move is two writes. The address is planned for
its next owner only once the snapshot shows that no other spec has it, but those of dead nodes,
which nobody waits for. Several Services on one address have one owner.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from manager.planner.announcer_specs import ANNOUNCING, ASSIGNMENTS, Spec
from manager.planner.layer2.contribute import Wish, Wishes
from manager.planner.layer2.standing import Holding, Holdings, Standing
from manager.planner.nodes.election import Contenders, Number, Place, by_preference, elect
from manager.snapshot import NodeName, ServiceKey
from pointsman.model.address import Address, address_order
from pointsman.model.assignment import MOST_ASSIGNMENTS
from pointsman.model.memo import Each, Index


class Owner(NamedTuple):
    """Where an address is to be, and how it is answered for there."""

    address: Address
    place: Place
    responder: str
    announce_rate: int | None
    probe: bool


class Elected(NamedTuple):
    """Who is to own an address, and by what, should that node have no room for it."""

    owner: Owner
    contenders: Contenders | None
    stands: bool  # it is there already


class Gone(NamedTuple):
    """Nodes whose specs count for nothing: they are dead, or out of service."""

    names: frozenset[NodeName]


class AssignmentsMemo:
    """The stages, from wishes to specs."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._wishes = Index[ServiceKey, Number, Wish](_wishes)
        self._elected = Each[Number, Elected](_elect)
        self._by_node = Index[Number, NodeName, Owner](_by_node)
        self._specs = Each[NodeName, Spec](_spec)

    def __call__(
        self,
        wishes: Mapping[ServiceKey, tuple[Wishes, ...]],
        standing: Standing,
        arriving: Mapping[Number, tuple[NodeName, ...]],
        *,
        gone: Gone,
    ) -> "Assignments":
        """Return who owns what, and what each Announcer's spec says of it.

        *arriving*: nodes whose specs may have an address by a write under way.
        """
        elected: Mapping[Number, Elected] = self._elected(
            gone, self._wishes(wishes), standing, arriving
        )
        by_node = self._by_node(elected)
        if any(len(owned) > self._most for owned in by_node.values()):
            elected = _within_limits(elected, self._most)
            by_node = self._by_node(elected)
        return Assignments(elected, self._specs(None, by_node))


class Assignments(NamedTuple):
    """What is planned for the Announcers."""

    elected: Mapping[Number, Elected]
    specs: Mapping[NodeName, Spec]


def _wishes(_: ServiceKey, by_eip: tuple[Wishes, ...]) -> Iterator[tuple[Number, Wish]]:
    for wishes in by_eip:
        for wish in wishes:
            yield (wish.address.version, int(wish.address)), wish


def _elect(
    gone: Gone,
    wishes: Mapping[ServiceKey, Wish],
    holdings: Holdings | None,
    arriving: tuple[NodeName, ...] | None,
) -> Elected | None:
    """Return who is to own an address by the next write; None: nobody, or nobody yet."""
    live = {name: one for name, one in (holdings or {}).items() if name not in gone.names}
    for name in arriving or ():
        if name not in gone.names:  # it counts as there until it is known what became of it
            live.setdefault(name, Holding(Place(name, ""), ""))
    decided = [wish for wish in wishes.values() if wish.contenders is not None]
    if not decided:  # somebody wants it, and nobody can say who may have it
        return _as_it_stands(next(iter(wishes.values())).address, live)
    contenders, address = _common(decided), decided[0].address
    number = address_order(address)
    holder = _holder(decided, contenders, live)
    place = elect(
        number,
        contenders,
        None if holder is None else holder.place,
        damped=holder is not None and holder.damped,
    )
    if place is None or not place.interface:
        return None
    if place.node not in live and (live or not _recorded(decided)):
        return None
    terms = [wish.terms for wish in decided if wish.terms is not None]
    rates = [one.announce_rate for one in terms if one.announce_rate is not None]
    unchecked = any(wish.by for wish in decided) or not all(one.conflict_check for one in terms)
    return Elected(
        Owner(
            address,
            place,
            terms[0].responder,
            min(rates, default=None),
            probe=not unchecked or (holder is not None and holder.probing),
        ),
        contenders,
        stands=holder is not None,
    )


def _as_it_stands(address: Address, live: Holdings) -> Elected | None:
    known = [one for _, one in sorted(live.items()) if one.place.interface]
    if not known:
        return None
    one = known[0]
    owner = Owner(address, one.place, one.responder, one.announce_rate, one.probing)
    return Elected(owner, None, stands=True)


def _recorded(wishes: list[Wish]) -> bool:
    return any(wish.recorded for wish in wishes)


def _common(wishes: list[Wish]) -> Contenders:
    """Return who may own an address that several Services share: best, who may for all of them.

    Else who may for any of them: nobody loses an address because another is not served.
    """
    several = [wish.contenders for wish in wishes if wish.contenders is not None]
    first, *others = several
    if all(one is first or one == first for one in others):
        return first
    serving = [one for one in several if one.groups] or several
    names = frozenset(serving[0].interfaces).intersection(*(one.interfaces for one in serving))
    if names:
        best = serving[0]
        return Contenders(
            groups=tuple(
                group
                for each in best.groups
                if (group := tuple(name for name in each if name in names))
            ),
            interfaces={name: best.interfaces[name] for name in best.interfaces if name in names},
            lasting=best.lasting,
            able=best.able,
        )
    return Contenders(
        groups=tuple(group for one in serving for group in one.groups),
        interfaces={name: at for one in serving for name, at in one.interfaces.items()},
        lasting={name: at for one in serving for name, at in one.lasting.items()},
        able={name: at for one in serving for name, at in one.able.items()},
    )


def _holder(wishes: list[Wish], contenders: Contenders, live: Holdings) -> Holding | None:
    """Return who has the address; of several, one that may have it, best whom a record names.

    Several have it where a node was thought dead, or somebody else wrote its spec.
    """
    if len(live) < 2:
        return next(iter(live.values()), None)
    recorded = {by for wish in wishes for by in wish.by}

    def worth(name: NodeName) -> tuple[bool, bool, NodeName]:
        place = live[name].place
        named = f"{place.node}/{place.interface}" in recorded
        return name not in contenders.interfaces, not named, name

    return live[min(live, key=worth)]


def _by_node(_: Number, elected: Elected) -> Iterator[tuple[NodeName, Owner]]:
    yield elected.owner.place.node, elected.owner


def _within_limits(elected: Mapping[Number, Elected], most: int) -> Mapping[Number, Elected]:
    """Return *elected* with no more than *most* on a node.

    Who is there already stays; others go to the next that has room, or to nobody.
    """
    found: dict[Number, Elected] = {}
    counts: dict[NodeName, int] = {}
    for number, one in sorted(elected.items(), key=_standing_first):
        places = [one.owner.place]
        if not one.stands and one.contenders is not None:
            places = list(by_preference(number, one.contenders))
        for place in places:
            if counts.get(place.node, 0) < most:
                counts[place.node] = counts.get(place.node, 0) + 1
                found[number] = one._replace(owner=one.owner._replace(place=place))
                break
    return dict(sorted(found.items()))


def _standing_first(item: tuple[Number, Elected]) -> tuple[bool, Number]:
    return not item[1].stands, item[0]


def _spec(_: None, owned: Mapping[Number, Owner]) -> Spec:
    """Return a node's part of its Announcer's spec: JSON values, in order."""
    entries: dict[tuple[str, str], list[Owner]] = {}
    for owner in owned.values():  # in order of their numbers
        key = owner.place.interface, owner.responder
        entries.setdefault(key, []).append(owner)
    found = [_entry(*key, owners) for key, owners in sorted(entries.items())]
    assigned = found[: MOST_ASSIGNMENTS - 1]  # one is for what the kernel has
    return {ASSIGNMENTS: assigned, ANNOUNCING: sum(len(one["addresses"]) for one in assigned)}


def _entry(interface: str, responder: str, owners: list[Owner]) -> Spec:
    entry: dict[str, Any] = {
        "interface": interface,
        "responder": responder,
        "addresses": [str(owner.address) for owner in owners],
    }
    if probe := [str(owner.address) for owner in owners if owner.probe]:
        entry["probe"] = probe
    rates = [owner.announce_rate for owner in owners if owner.announce_rate is not None]
    if rates:  # of one port, the strictest counts
        entry["announceRate"] = min(rates)
    return entry
