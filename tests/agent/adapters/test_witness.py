"""What an agent says of a node that it was asked about, on the virtual clock."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from agent.adapters.witness import MOST, Connections, Found, Witness
from pointsman.model.liveness import ATTEMPTS, ProbeOutcome
from pointsman.wire.inquiry import Question

pytestmark = pytest.mark.looptime
PORTS = (10250, 10256)
ASKED = Question(b"12345678", "manager-a", "node2", ip_address("192.0.2.12"), PORTS)


@dataclass
class Kernel:
    """Connections that another node answers as the test says: by port and attempt."""

    answers: Callable[[int, int], ProbeOutcome | None]
    started: list[tuple[float, str, int]] = field(default_factory=list)
    found: Found = lambda *_: None

    def made(self, found: Found) -> Connections:
        self.found = found
        return self

    async def run(self) -> None:
        await asyncio.Event().wait()

    def start(self, subject: bytes, address: str, port: int, *, hello: bool) -> None:
        loop = asyncio.get_running_loop()
        attempt = sum(one[2] == port for one in self.started)
        self.started.append((loop.time(), address, port))
        if (outcome := self.answers(port, attempt)) is not None:
            loop.call_soon(self.found, subject, port, outcome, loop.time())


async def answers_to(kernel: Kernel, *questions: Question) -> list[tuple[str, bool]]:
    answers: list[tuple[str, bool]] = []
    witness = Witness(lambda question, alive: answers.append((question.node, alive)), kernel.made)
    for question in questions:
        witness.ask(question)
    await asyncio.sleep(2)
    return answers


@pytest.mark.parametrize(
    "outcome", [ProbeOutcome.Accepted, ProbeOutcome.Refused, ProbeOutcome.Spoke]
)
async def test_whatever_answers_is_life_and_asked_no_more(outcome: ProbeOutcome) -> None:
    kernel = Kernel(lambda port, attempt: outcome if port == PORTS[1] else None)
    assert await answers_to(kernel, ASKED) == [("node2", True)]
    assert len(kernel.started) == len(PORTS)


async def test_an_answer_to_the_last_connection_counts() -> None:
    kernel = Kernel(lambda port, attempt: ProbeOutcome.Refused if attempt == 2 else None)
    assert await answers_to(kernel, ASKED) == [("node2", True)]


async def test_silence_is_told_after_three_connections_to_each_port() -> None:
    kernel = Kernel(lambda port, attempt: None)
    began = asyncio.get_running_loop().time()
    assert await answers_to(kernel, ASKED) == [("node2", False)]
    assert [port for _, _, port in kernel.started] == list(PORTS) * ATTEMPTS
    assert kernel.started[-1][0] - began < 0.2


async def test_what_never_left_this_node_says_nothing() -> None:
    kernel = Kernel(lambda port, attempt: ProbeOutcome.Unsure)
    assert await answers_to(kernel, ASKED) == []


async def test_a_question_without_a_place_is_none_of_ours() -> None:
    kernel = Kernel(lambda port, attempt: ProbeOutcome.Refused)
    assert await answers_to(kernel, Question(b"1" * 8, "m", "node2"), ASKED, ASKED) == [
        ("node2", True)
    ]


async def test_only_so_many_are_answered_at_a_time() -> None:
    kernel = Kernel(lambda port, attempt: None)
    many = [Question(n.to_bytes(8), "m", "node2", ASKED.address, PORTS) for n in range(MOST + 5)]
    assert len(await answers_to(kernel, *many)) == MOST
