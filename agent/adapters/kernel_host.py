"""The kernel's addresses and routes that are this agent's. No other module knows pyroute2.

It is imported only where there is something to hold: it costs 11 MiB. What is ours, without
memory: the interface of our name *and* alias, with every host address on it; in our table the
routes of our protocol number, and the rule that leads there; in the main table the routes of our
other number. Nothing else is touched, whatever its name or number.
"""

import errno
import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Final

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkDumpInterrupted, NetlinkError

from agent.adapters.kernel_messages import (
    ALIAS,
    FAMILIES,
    FORWARDED,
    IFF_UP,
    SENT,
    UNFINISHED,
    address_arguments,
    is_our_interface,
    is_our_rule,
    read_address,
    read_route,
    route_arguments,
    rule_arguments,
    rule_of,
)
from agent.kernel import Bound, Held, HostAddress, KernelKey, Redistributed, Route
from pointsman.model.assignment import (
    KERNEL_INTERFACE,
    ROUTE_PROTOCOL_DISCARD,
    ROUTE_PROTOCOL_REDISTRIBUTED,
)
from pointsman.model.delta import Delta
from pointsman.runtime.target import Unavailable

KINDS: Final = ("dummy", "bridge")  # a bridge without ports, where the kernel has no dummy
NO_ADDRESS_BY_ITSELF: Final = 1  # IN6_ADDR_GEN_MODE_NONE
GONE: Final = frozenset({errno.ENOENT, errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENODEV})
NOT_OURS: Final = (
    f"This node has an interface {KERNEL_INTERFACE} that Pointsman did not make, so nothing is "
    f"put on it: rename or delete it (`ip link delete {KERNEL_INTERFACE}`)."
)
log = logging.getLogger(__name__)


class NotOurs(Exception):
    """Somebody else's interface has our name."""


class NetlinkHost:
    """The port ``KernelHost``, over rtnetlink. *namespace*: another network's, for tests."""

    def __init__(self, *, namespace: str | None = None) -> None:
        self._namespace = namespace

    async def observe(self) -> Mapping[KernelKey, Held]:
        async with self._socket("list addresses and routes") as netlink:
            return await _read(netlink)

    async def apply(
        self, work: Delta[KernelKey, Bound], *, lease_s: int
    ) -> Mapping[KernelKey, str]:
        refused: dict[KernelKey, str] = {}
        async with self._socket("change addresses and routes") as netlink:
            try:
                index = await _ready(netlink) if work.put else (await _interface(netlink))[0]
            except NotOurs:
                refused, index = dict.fromkeys(work.put, NOT_OURS), 0
            hands = _Hands(netlink, index, lease_s, await _read(netlink))
            for key in sorted(work.put.keys() - refused.keys(), key=_order):
                bound = work.put[key]
                # The kernel would take it, and keep it for good.
                reason = refused.get(HostAddress(bound), "") if bound else ""
                if reason := reason or await hands.put(key, bound):
                    refused[key] = reason
            # Routes first: one that is bound to an address goes with it.
            for key in sorted(work.drop, key=_order, reverse=True):
                await hands.drop(key)
            if work.drop or not work.put:
                await _tidy(netlink)
        log.debug("%d addresses and routes are put or renewed", len(work.put) - len(refused))
        return refused

    @asynccontextmanager
    async def _socket(self, deed: str) -> AsyncIterator[Any]:
        try:
            # strict_check: the kernel honours what a dump is asked to leave out.
            async with AsyncIPRoute(netns=self._namespace, strict_check=True) as netlink:
                yield netlink
        except NetlinkError as error:
            raise Unavailable(f"the kernel did not {deed}: {_why(error)}") from error
        except OSError as error:
            raise Unavailable(f"the kernel did not {deed}: {error.strerror}") from error


@dataclass(slots=True)
class _Hands:
    """One socket, and what was there when it was opened."""

    netlink: Any
    index: int
    lease_s: int
    there: Mapping[KernelKey, Held]
    ruled: set[tuple[int, int]] = field(default_factory=set)  # families and tables led to

    async def put(self, key: KernelKey, bound: Bound) -> str:
        """Put *key*; return why it was refused, or ""."""
        try:
            if isinstance(key, HostAddress):
                arguments = address_arguments(key.address, self.index, self.lease_s)
                await self.netlink.addr("replace", **arguments)
            elif isinstance(key, Redistributed):
                await self._redistribute(key, bound)
            else:
                await self._rule(key)
                # The table is ours: there is nobody else's route to replace.
                await self.netlink.route("replace", **self._route(key, bound))
        except NetlinkDumpInterrupted:
            raise  # nothing is refused: it is to be listed again
        except NetlinkError as error:
            return _refusal(key, error)
        return ""

    async def _redistribute(self, key: Redistributed, bound: Bound) -> None:
        if key not in self.there:
            # Not `replace`: it would take the route that another has to the same destination.
            await self.netlink.route("add", **self._route(key, bound))
        elif bound is not None:
            await self.netlink.route("replace", **self._route(key, bound))
        else:
            # The answer to a renewal: nothing was added, and the lifetime is what was asked for.
            with suppressed(errno.EEXIST):
                await self.netlink.route("append", **self._route(key, bound))

    async def drop(self, key: KernelKey) -> None:
        """Take *key* away; that it is gone already is fine."""
        with suppressed(*GONE):
            if isinstance(key, HostAddress):
                arguments = address_arguments(key.address, self.index, self.lease_s)
                named = ("index", "address", "prefixlen", "family")
                await self.netlink.addr("del", **{name: arguments[name] for name in named})
            elif (held := self.there.get(key)) is not None:
                arguments = self._route(key, held.bound)
                arguments.pop("RTA_EXPIRES", None)
                await self.netlink.route("del", **arguments)

    async def _rule(self, key: KernelKey) -> None:
        rule = rule_of(key)
        if rule is not None and rule not in self.ruled:
            if not await _rules(self.netlink, *rule):
                await self.netlink.rule("add", **rule_arguments(*rule))
            self.ruled.add(rule)

    def _route(self, key: Route, bound: Bound) -> dict[str, Any]:
        return route_arguments(key, bound, self.index, self.lease_s)


async def _read(netlink: Any) -> Mapping[KernelKey, Held]:
    """Return what of ours is there."""
    found: dict[KernelKey, Held] = {}
    index, ours, up = await _interface(netlink)
    if index and ours and up:  # on one that is down, addresses are listed and lead nowhere
        async for message in await netlink.get_addr(index=index):
            _note(found, read_address(message))
    for protocol in (ROUTE_PROTOCOL_REDISTRIBUTED, ROUTE_PROTOCOL_DISCARD):
        for family in FAMILIES:
            # The kernel picks them: a node may carry the Internet's table.
            async for message in await netlink.route("dump", family=family, proto=protocol):
                _note(found, read_route(message))
    # systemd-networkd takes the rules of others away when it starts.
    led = {rule: bool(await _rules(netlink, *rule)) for rule in set(map(rule_of, found)) if rule}
    for key in found:
        if (rule := rule_of(key)) and not led[rule]:
            found[key] = replace(found[key], whole=False)
    return found


async def _ready(netlink: Any) -> int:
    """Return the index of our interface, which is up; it is made where it isn't there.

    Raises:
        NotOurs: one of its name is somebody else's.
    """
    index, ours, up = await _interface(netlink)
    if index and not ours:
        raise NotOurs
    if not index:
        index = await _make(netlink)
        log.info("interface %s is made, for what the kernel is to hold", KERNEL_INTERFACE)
    if not up:
        await _finish(netlink, index)
        await netlink.link("set", index=index, state="up")
    return index


async def _tidy(netlink: Any) -> None:
    """Take away what nothing needs any more: rules without a route, then the interface."""
    left = await _read(netlink)
    used = {rule_of(key) for key in left}
    for rule in product(FAMILIES, (FORWARDED, SENT)):
        for _one in range(0 if rule in used else await _rules(netlink, *rule)):
            await netlink.rule("del", **rule_arguments(*rule))
    index, ours, _up = await _interface(netlink)
    if not left and index and ours:
        await netlink.link("del", index=index)
        log.info("interface %s is gone: nothing is to be held", KERNEL_INTERFACE)


async def _make(netlink: Any) -> int:
    """Make our interface, of the first kind that this kernel has; return its index."""
    for kind in KINDS:
        try:
            await netlink.link("add", ifname=KERNEL_INTERFACE, kind=kind, group=UNFINISHED)
            break
        except NetlinkError as error:
            if error.code != errno.EOPNOTSUPP or kind == KINDS[-1]:
                raise
    index, *_ = await _interface(netlink)
    return index


async def _finish(netlink: Any, index: int) -> None:
    """Have our interface no address by itself, then our alias in place of our group."""
    mode = ("IFLA_INET6_ADDR_GEN_MODE", NO_ADDRESS_BY_ITSELF)
    attributes = {"attrs": [("AF_INET6", {"attrs": [mode]})]}
    try:
        await netlink.link("set", index=index, IFLA_AF_SPEC=attributes)
    except NetlinkError as error:
        log.debug("no IPv6 on %s: %s", KERNEL_INTERFACE, os.strerror(error.code))
    await netlink.link("set", index=index, ifalias=ALIAS, group=0)


async def _interface(netlink: Any) -> tuple[int, bool, bool]:
    """Return the index of the interface of our name, whether it is ours, and up; 0: none is."""
    with suppressed(errno.ENODEV):
        async for message in await netlink.get_links(ifname=KERNEL_INTERFACE):
            return message["index"], is_our_interface(message), bool(message["flags"] & IFF_UP)
    return 0, False, False


async def _rules(netlink: Any, family: int, table: int) -> int:
    """Return how many rules of *family* that lead to *table* are ours: one, or none."""
    found = 0
    async for message in await netlink.get_rules(family=family):
        # A kernel without IPv6 lists those of IPv4 instead.
        found += message["family"] == family and is_our_rule(message, table)
    return found


def _note(found: dict[KernelKey, Held], entry: tuple[KernelKey, Held] | None) -> None:
    if entry is not None:
        found.setdefault(*entry)


def _order(key: KernelKey) -> tuple[int, str]:
    """Addresses first: a route may be bound to one."""
    return (0 if isinstance(key, HostAddress) else 1), str(key)


def _refusal(key: KernelKey, error: NetlinkError) -> str:
    if isinstance(key, Redistributed) and error.code == errno.EEXIST:
        return (
            f"This node's main table has a route to {key.prefix} that is not Pointsman's, and it "
            f"stays: `ip route show {key.prefix}` on the node shows whose it is."
        )
    what = key.address if isinstance(key, HostAddress) else f"the route to {key.prefix}"
    return f"The kernel of this node refuses {what}: {_why(error)}."


def _why(error: NetlinkError) -> str:
    if isinstance(error, NetlinkDumpInterrupted):  # it has no number of the kernel's
        return "they changed while they were listed"
    return os.strerror(error.code)


@contextmanager
def suppressed(*codes: int) -> Iterator[None]:
    """Pass over the kernel's refusals of *codes*."""
    try:
        yield
    except NetlinkError as error:
        if error.code not in codes:
            raise
