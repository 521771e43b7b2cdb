"""The gateways of a real interface, asked where this host's own rules are in the way."""

import asyncio
import subprocess

import pytest

from agent.adapters.gateways import GatewayProbes
from agent.gateways import ASK_S
from lab.network import netns
from lab.parts import tool
from tests.agent.adapters.lan import Lan

pytestmark = pytest.mark.lab

NO_IPV6_OUT = (
    "add table ip6 shut; "
    "add chain ip6 shut out { type filter hook output priority 0; policy drop; }"
)


def shut(wires: Lan, words: list[str]) -> None:
    program = tool(words[0], {"nft": "nftables", "ip": "iproute2"}[words[0]])
    argv = netns.entering(wires.namespace("node"), [program, *words[1:]])
    subprocess.run(argv, check=True, timeout=60)


@pytest.mark.parametrize(
    "closed",
    [
        pytest.param(["nft", NO_IPV6_OUT], id="a firewall lets no IPv6 out"),
        pytest.param(
            ["ip", "-6", "rule", "add", "prohibit", "pref", "1"], id="a rule prohibits IPv6"
        ),
        pytest.param(
            ["ip", "-6", "rule", "add", "blackhole", "pref", "1"], id="a rule swallows IPv6"
        ),
    ],
)
async def test_an_agent_outlives_a_host_that_lets_no_question_out(
    wires: Lan, closed: list[str]
) -> None:
    await asyncio.to_thread(shut, wires, closed)
    wires.ip("node", "route add default via 192.0.2.1", "route add ::/0 via 2001:db8:2::1")
    probes = GatewayProbes()
    probes.follow(await wires.network())
    with wires.inside():
        asking = asyncio.create_task(probes.run())
        await asyncio.sleep(1.5 * ASK_S)
        ended = asking.done()
        asking.cancel()
        (result,) = await asyncio.gather(asking, return_exceptions=True)
    assert not ended, result
