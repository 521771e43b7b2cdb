"""Programs spelled with labels; what they are for: `test_packet_filter.py`,
`test_arrival_filter.py`."""

import pytest

from pointsman.wire.bpf import EQUAL, JUMP, LOAD_OCTET, PASS, REFUSE, assembled, search
from tests.pointsman.wire import classic_bpf

LOAD = (LOAD_OCTET, 0, 0, 0)


def test_labels_become_distances() -> None:
    program = assembled(
        [
            LOAD,
            (EQUAL, "yes", "", 7),
            (EQUAL, "", "yes", 8),
            (JUMP, "no", "", 0),
            "yes",
            PASS,
            "no",
            REFUSE,
        ]
    )
    assert program == (LOAD, (EQUAL, 2, 0, 7), (EQUAL, 0, 1, 8), (JUMP, 0, 0, 1), PASS, REFUSE)
    classic_bpf.check(program)
    passed = [octet for octet in range(256) if classic_bpf.run(program, bytes([octet]))]
    assert passed == [octet for octet in range(256) if octet != 8]


def test_what_was_assembled_before_is_left_as_it_is() -> None:
    within = search(0, [(1, 2)])
    assert assembled([*within, REFUSE]) == (*within, REFUSE)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["back", LOAD, (JUMP, "back", "", 0)], ValueError),
        ([(EQUAL, "far", "", 7), *[LOAD] * 256, "far", PASS], ValueError),
        ([(EQUAL, "", "nowhere", 7), PASS], KeyError),
    ],
)
def test_what_no_kernel_would_take_is_a_bug(lines: list[object], error: type[Exception]) -> None:
    with pytest.raises(error):
        assembled(lines)  # type: ignore[arg-type]


def test_an_unconditional_jump_reaches_further() -> None:
    program = assembled([(JUMP, "far", "", 0), *[LOAD] * 1000, "far", PASS])
    assert program[0] == (JUMP, 0, 0, 1000)
    classic_bpf.check(program)
