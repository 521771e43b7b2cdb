"""The rewriting of generated imports: everything must come from its own package."""

from __future__ import annotations

import importlib

import pytest

from tools.stubs import TARGET, relative


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "from api import common_pb2 as api_dot_common__pb2\n",
            "from . import common_pb2 as api_dot_common__pb2\n",
        ),
        ("import api.nlri_pb2\n", "from . import nlri_pb2\n"),
        ("def f(x: api.nlri_pb2.NLRI) -> None: ...\n", "def f(x: nlri_pb2.NLRI) -> None: ...\n"),
        ("import grpc\n", "import grpc\n"),
        (
            "serialized = b'\\n\\x0f' + b'api/gobgp.proto'\n",
            "serialized = b'\\n\\x0f' + b'api/gobgp.proto'\n",
        ),
    ],
    ids=["from", "import", "a use", "somebody else's", "the descriptor's own words"],
)
def test_stubs_import_each_other_relatively(before: str, after: str):
    assert relative(before) == after


def test_every_generated_module_imports():
    names = sorted(path.stem for path in TARGET.glob("*_pb2*.py"))
    assert {"gobgp_pb2", "gobgp_pb2_grpc", "nlri_pb2", "attribute_pb2"} <= set(names)
    for name in names:
        importlib.import_module(f"pointsman.gobgp_api.{name}")
