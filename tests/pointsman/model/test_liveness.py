from pointsman.model.liveness import ProbeOutcome


def test_a_refusal_is_a_sign_of_life_and_a_local_error_is_none() -> None:
    dull = {ProbeOutcome.Silent, ProbeOutcome.Unsure, ProbeOutcome.Mute}
    assert {one for one in ProbeOutcome if not one.alive} == dull
