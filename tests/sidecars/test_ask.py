"""Whether anybody is at an address. What routers are asked: `tests/conformance/gobgp`."""

import errno

import pytest

from sidecars.gobgp import ask


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_whoever_refuses_is_there(address: str) -> None:
    assert await ask.answers(address) is True


async def test_what_the_kernel_refuses_has_its_number() -> None:
    with pytest.raises(OSError) as refused:
        await ask.answers("255.255.255.255")  # RFC 919: no stream goes there
    assert refused.value.errno in {errno.ENETUNREACH, errno.EACCES}
