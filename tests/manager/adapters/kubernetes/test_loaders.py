"""What a process loads of kubernetes_asyncio to read a kubeconfig; each case in its own."""

import subprocess
import sys

import pytest

COUNT = """
import gc, sys
from manager.adapters.kubernetes import credentials
from manager.adapters.kubernetes.loaders import Configuration, config
made = {str(one.__module__) for one in gc.get_objects() if isinstance(one, type)}
print(sum(name.startswith("kubernetes_asyncio.client.models") for name in made))
"""
WHOLE = "import kubernetes_asyncio.client\n"
AFTERWARDS = """
from kubernetes_asyncio import client, config as whole
assert callable(whole.new_client_from_config) and client.ApiClient and client.V1Service
assert Configuration().host == client.Configuration().host
"""


@pytest.mark.parametrize(
    ("script", "classes"),
    [
        pytest.param(COUNT, False, id="none of the API's classes"),
        pytest.param(WHOLE + COUNT, True, id="all, when they are there already"),
        pytest.param(COUNT + AFTERWARDS, False, id="and who wants them imports them"),
    ],
)
def test_the_api_classes_are_loaded_for_those_who_ask(script: str, classes: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert bool(int(done.stdout)) is classes
