"""What a report of pytest's says of rows, whatever their parameters."""

from e2e import labs
from e2e.bgp import spoken
from lab.routers.other_versions import NAME
from tools.routers import rows
from tools.routers.releases import NAMES
from tools.routers.rows import Row, failed, read, spoken_with

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest">
<testcase classname="e2e.bgp.test_ways" name="test_a_row[first]"><properties>
<property name="measured" value="0.2 s" /><property name="router" value="frr 10.3" />
</properties></testcase>
<testcase classname="e2e.bgp.test_ways" name="test_a_row[the second [of two]]">
<properties><property name="router" value="bird 2.17.6" /></properties>
<failure message="no">it did not</failure></testcase>
<testcase classname="e2e.bgp.test_ways" name="test_quiet">
<properties><property name="router" value="frr 10.3" /></properties></testcase>
<testcase classname="e2e.bgp.test_ways" name="test_never"><skipped message="lacks it" /></testcase>
<testcase classname="e2e.bgp.test_fields" name="test_broken"><error message="no lab" /></testcase>
</testsuite></testsuites>
"""


def test_a_row_is_as_bad_as_its_worst_parameter_and_speaks_with_the_routers_of_all() -> None:
    assert read(REPORT) == {
        "e2e/bgp/test_ways.py::test_a_row": Row("failed", {"frr": "10.3", "bird": "2.17.6"}),
        "e2e/bgp/test_ways.py::test_quiet": Row("passed", {"frr": "10.3"}),
        "e2e/bgp/test_ways.py::test_never": Row("skipped", {}),
        "e2e/bgp/test_fields.py::test_broken": Row("failed", {}),
    }


def test_what_failed_and_what_speaks_with_whom_is_sorted() -> None:
    rows = read(REPORT)
    assert list(failed(rows)) == [
        "e2e/bgp/test_fields.py::test_broken",
        "e2e/bgp/test_ways.py::test_a_row",
    ]
    assert spoken_with(rows, "bird") == ["e2e/bgp/test_ways.py::test_a_row"]
    assert spoken_with(rows, "openbgpd") == []


def test_the_words_between_it_and_the_rows_are_theirs() -> None:
    assert rows.VARIABLE == labs.ROUTERS
    assert rows.PROPERTY == spoken.PROPERTY
    assert NAMES.keys() == {spoken.FRR, spoken.BIRD, spoken.OPENBGPD}
    assert {kind.value for kind in NAME} <= NAMES.keys()
