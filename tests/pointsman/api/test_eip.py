"""What the API server lets pass is what the planner can read, but for what only it can judge."""

from hypothesis import example, given
from hypothesis import strategies as st

from pointsman.api import EipSpec, parse
from pointsman.model.ranges import read_block

ADDRESS = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(str),
    st.sampled_from(["192.0.2.300", "::ffff:192.0.2.1", "fe80::1%eth0", "192.0.2.01", ""]),
)
LENGTH = st.one_of(st.integers(0, 140).map(str), st.sampled_from(["", "08", "+8", "255.0.0.0"]))
ENTRY = st.one_of(
    ADDRESS,
    st.builds("{}/{}".format, ADDRESS, LENGTH),
    st.builds("{}-{}".format, ADDRESS, ADDRESS),
    st.builds("{}-{}-{}".format, ADDRESS, ADDRESS, ADDRESS),
    st.text(alphabet="0123456789abf.:/%- ", max_size=20),
)


def refusal(entry: str) -> str:
    try:
        read_block(entry)
    except ValueError as error:
        return str(error)
    return ""


@given(ENTRY)
@example("192.0.2.9-192.0.2.1")
@example("192.0.2.1-2001:db8::1")
def test_model_and_planner_read_the_same_entries(entry: str) -> None:
    accepted = parse(EipSpec, {"addresses": [entry]})[0] is not None
    why = refusal(entry)
    assert accepted == (len(entry) <= 89 and (not why or "is reversed" in why))
