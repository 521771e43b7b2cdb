"""Who should look: one answer for Events, `pointsman status` and whoever asks next."""

from importlib import import_module
from itertools import product
from pkgutil import iter_modules
from types import ModuleType

import pytest

from agent.planner import verdicts as agents
from pointsman.model import verdicts
from pointsman.model.verdicts.base import Severity, Verdict
from pointsman.model.verdicts.severity import BY_REASON, severity_of

MODULES = (
    *(import_module(f"{verdicts.__name__}.{one.name}") for one in iter_modules(verdicts.__path__)),
)


def kinds(modules: tuple[ModuleType, ...]) -> list[type[Verdict]]:
    found = (kind for module in modules for kind in vars(module).values())
    return [k for k in found if isinstance(k, type) and issubclass(k, Verdict)]


@pytest.mark.parametrize(
    ("reason", "status", "severity"),
    [
        pytest.param("Allocated", "True", "Normal", id="what is fine"),
        pytest.param("AddressInUse", "False", "Warning", id="a refusal"),
        pytest.param("SpeakerSilent", "Unknown", "Warning", id="that nobody knows"),
        pytest.param("Disabled", "False", "Normal", id="what its owner wants"),
        pytest.param("ParallelSessions", "False", "Normal", id="there instead of ADD-PATH"),
        pytest.param("PartlyEstablished", "True", "Warning", id="one of several is down"),
        pytest.param("TooFewSpeakers", "True", "Warning", id="fewer sessions than asked for"),
        pytest.param("NoNextHop", "True", "Warning", id="there only while it is so"),
        pytest.param("NotConnected", "True", "Warning", id="so is this"),
        pytest.param("TooManyPrefixes", "True", "Warning", id="and this"),
        pytest.param("AddressOnSeveralNodes", "True", "Warning", id="and this one"),
        pytest.param("UnassignedAddressesLoop", "True", "Warning", id="and what loops"),
        pytest.param("SpeakerLimit", "True", "Normal", id="a bound that costs nothing"),
        pytest.param("OfAnotherVersion", "True", "Normal", id="not known here: by its status"),
        pytest.param("OfAnotherVersion", "False", "Warning", id="as above, and not True"),
        pytest.param("NotRecorded", "Unknown", "Warning", id="nothing was recorded yet"),
    ],
)
def test_severity(reason: str, status: str, severity: str) -> None:
    assert severity_of(reason, status) == severity


def test_one_reason_has_one_severity_wherever_it_is_declared() -> None:
    """Two classes may share a name, as Ready of an Eip and of a BgpPeer do."""
    alike = [
        (a, b) for a, b in product(kinds((*MODULES, agents)), repeat=2) if a.__name__ == b.__name__
    ]
    assert not [(a, b) for a, b in alike if a.severity is not b.severity]
    assert {kind.__name__ for kind in kinds((*MODULES, agents))} > BY_REASON.keys()


def test_no_module_of_reasons_is_left_out() -> None:
    assert {kind.__name__ for kind in kinds(MODULES)} == BY_REASON.keys()


def test_what_is_fine_is_normal_unless_its_class_says_otherwise() -> None:
    class Fine(Verdict):
        ok = True

    class Wrong(Verdict):
        pass

    class Wanted(Verdict):
        severity = Severity.NORMAL

    assert [kind.severity for kind in (Fine, Wrong, Wanted)] == ["Normal", "Warning", "Normal"]
