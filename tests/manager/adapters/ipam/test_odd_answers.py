"""Answers garbled anywhere, by chance: a value, a refusal, or Unavailable; never a crash."""

import random
from contextlib import suppress

import pytest
from aiohttp import web

from manager.ports import SourceRefused
from pointsman.model.address import Family
from pointsman.model.reservation import AddressRequest, Holder, ReservationKey
from pointsman.runtime.target import Unavailable
from tests.manager.adapters.ipam.test_bad_answers import Bed, bed
from tests.oddities import garbled

__all__ = ["bed"]
ROUNDS = 60


@pytest.mark.parametrize("seed", range(3))
async def test_garbled_answers_end_in_a_sentence(bed: Bed, seed: int) -> None:
    chance = random.Random(seed)
    source, made = bed.source, None

    async def garble(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if chance.random() < 0.4 or not isinstance(response, web.Response):
            return response
        body = response.body if isinstance(response.body, bytes) else b""
        status = chance.choice([200, 201, 404, 409, response.status])
        return web.Response(
            body=garbled(body, chance), status=status, content_type="application/json"
        )

    bed.garble(garble)
    for number in range(ROUNDS):
        key = ReservationKey(f"s{number % 5}", Family.IPV4)
        with suppress(Unavailable, SourceRefused):
            await source.observe()
        with suppress(Unavailable, SourceRefused):
            made = await source.reserve(key, AddressRequest(Holder.of(["red/web"])))
        if made is not None:
            with suppress(Unavailable, SourceRefused):
                await chance.choice([source.quarantine, source.release])(made)
    bed.garble(None)
    await source.observe()
