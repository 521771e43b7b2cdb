"""How losses become outages."""

from e2e.chaos.outages import Cost, Probe, Trial, costs, outage_ms, read, table


def probes(target: str, *sent: float, lost: tuple[float, ...] = ()) -> list[Probe]:
    return [Probe(target, at, None if at in lost else 0.01) for at in sent]


def test_an_outage_lasts_from_the_first_loss_to_the_last() -> None:
    seen = probes("tcp", 1.0, 2.0, 3.0, 4.0, lost=(2.0, 3.0))
    assert outage_ms(seen, Trial("f", 0.0, 5.0, 0)) == 1000.0
    assert outage_ms(seen, Trial("f", 3.5, 5.0, 0)) == 0.0


def test_each_target_has_its_own() -> None:
    seen = probes("tcp", 1.0, 9.0, lost=(1.0,)) + probes("udp", 1.0, 9.0, lost=(9.0,))
    assert outage_ms(seen, Trial("f", 0.0, 10.0, 0)) == 0.0


def test_trials_of_one_fault_are_counted_together() -> None:
    seen = probes("tcp", 1.0, 1.5, 2.0, 11.0, lost=(1.0, 1.5))
    trials = [Trial("f", 0.0, 5.0, 1), Trial("f", 10.0, 15.0, 2), Trial("g", 20.0, 25.0, 0)]
    assert costs(seen, trials) == [
        Cost("f", times=2, sent=4, lost=2, outages_ms=(0.0, 500.0), events=3),
        Cost("g", times=1, sent=0, lost=0, outages_ms=(0.0,), events=0),
    ]


def test_shares_are_those_of_trials() -> None:
    cost = Cost("f", 4, 0, 0, (1.0, 2.0, 3.0, 4.0), 0)
    assert [cost.outage_ms(share) for share in (0.5, 0.99, 1.0)] == [2.0, 4.0, 4.0]
    assert "| f | 4 | 2 | 4 | 4 | 0 of 0 | 0 |" in table([cost])


def test_a_line_that_was_cut_off_is_no_probe() -> None:
    lines = ['["tcp", 1.5, null, true]\n', '["tcp", 2.5, 0.1, false]\n', '["tc']
    assert read(lines) == [Probe("tcp", 1.5, None, reset=True), Probe("tcp", 2.5, 0.1)]


def test_resets_are_among_the_losses() -> None:
    seen = [Probe("tcp", 1.0, None, reset=True), Probe("tcp", 2.0, None), Probe("tcp", 3.0, 0.1)]
    (cost,) = costs(seen, [Trial("f", 0.0, 5.0, 0)])
    assert (cost.lost, cost.resets) == (2, 1)
