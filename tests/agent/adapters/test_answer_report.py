"""What is reported, when: on a virtual clock."""

import asyncio
from ipaddress import ip_address

import pytest

from agent.adapters.answer_report import MOST_POSTPONED, SETTLE_S, AnswerReport, Standing
from agent.snapshot import Withheld
from pointsman.runtime.pace import REPORT_S

pytestmark = pytest.mark.looptime
ONE = (Withheld(ip_address("192.0.2.100"), "it is in use"),)
TWO = (*ONE, Withheld(ip_address("192.0.2.101"), "it is in use"))


class Rig:
    def __init__(self) -> None:
        self.now = Standing()
        self.report = AnswerReport(lambda: self.now)
        self.wakes: list[float] = []
        self.report.wake = lambda: self.wakes.append(asyncio.get_running_loop().time())

    def stand(self, standing: Standing) -> None:
        self.now = standing
        self.report.changed()


async def test_what_settles_is_said_and_what_passes_is_not() -> None:
    rig = Rig()
    rig.stand(Standing(ONE))
    await asyncio.sleep(SETTLE_S / 2)
    rig.stand(Standing())
    await asyncio.sleep(3 * SETTLE_S)
    assert rig.wakes == []
    rig.stand(Standing(ONE))
    await asyncio.sleep(2 * SETTLE_S + 0.1)
    assert rig.report.withheld == ONE
    assert len(rig.wakes) == 1


async def test_a_generation_is_never_said_before_what_is_withheld_of_it() -> None:
    rig = Rig()
    rig.stand(Standing(ONE, executes=1))
    await asyncio.sleep(2 * SETTLE_S + 0.1)
    assert (rig.report.executes, rig.report.withheld) == (1, ONE)
    rig.stand(Standing(TWO, executes=2))
    await asyncio.sleep(REPORT_S - SETTLE_S)
    assert (rig.report.executes, rig.report.withheld) == (1, ONE), "both wait"
    await asyncio.sleep(3 * SETTLE_S)
    assert (rig.report.executes, rig.report.withheld) == (2, TWO), "both come"
    assert len(rig.wakes) == 2


async def test_a_generation_waits_for_what_is_not_decided() -> None:
    rig = Rig()
    rig.stand(Standing(executes=None))
    await asyncio.sleep(5 * SETTLE_S)
    assert rig.report.executes == 0
    rig.stand(Standing(executes=1))
    await asyncio.sleep(2 * SETTLE_S + 0.1)
    assert rig.report.executes == 1


async def test_what_never_settles_is_said_all_the_same() -> None:
    rig = Rig()
    for number in range(int((MOST_POSTPONED + 2) * SETTLE_S * 10)):
        rig.stand(Standing((Withheld(ip_address("192.0.2.100"), str(number)),)))
        await asyncio.sleep(0.1)
    assert rig.wakes
