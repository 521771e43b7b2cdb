"""What the kernel counts of its tables of neighbors, in a line each."""

from pathlib import Path

from lab.network import neighbor_tables

COUNTS = """\
entries  allocs   res_failed forced_gc_runs table_fulls
0000009c 000006e3 00000004   00000000       00000010
0000009c 00000741 00000001   00000000       00000001
"""


def test_processors_are_added_up_and_entries_are_the_tables() -> None:
    assert neighbor_tables.counted(COUNTS) == (0x9C, 5, 17)


def test_what_a_kernel_does_not_count_is_none() -> None:
    assert neighbor_tables.counted("entries allocs\n0000000a 0000000b\n") == (10, 0, 0)


def test_a_table_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    assert neighbor_tables.state(tmp_path) == ""
    (tmp_path / "ndisc_cache").write_text(COUNTS)
    assert neighbor_tables.state(tmp_path) == "IPv6: 156 entries, 5 not resolved, 17 times full"


def test_this_machines_kernel_is_read() -> None:
    assert neighbor_tables.state().count("times full") == len(
        [
            name
            for name in neighbor_tables.TABLES.values()
            if (neighbor_tables.FOLDER / name).exists()
        ]
    )
