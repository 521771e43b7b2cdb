"""Reading a kubeconfig, and the sentence for each one that can't be used."""

import asyncio
import base64
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.adapters.kubeconfig import Access, NoAccess, from_file, in_cluster


def config(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [
            {"name": "there", "context": {"cluster": "other", "user": "other"}},
            {"name": "here", "context": {"cluster": "one", "user": "me"}},
        ],
        "clusters": [{"name": "one", "cluster": cluster or {"server": "http://127.0.0.1:8001/"}}],
        "users": [{"name": "me", "user": user or {}}],
    }


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(content: object) -> Path:
        path = tmp_path / "kubeconfig"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return written


def test_plain_http_needs_nothing_else(write: Any) -> None:
    assert from_file(write(config())) == Access(server="http://127.0.0.1:8001")


def test_a_context_without_a_user_has_no_credentials(write: Any) -> None:
    content = config()
    del content["contexts"][1]["context"]["user"]
    assert from_file(write(content)).headers() == {}


def test_a_token_is_sent(write: Any) -> None:
    access = from_file(write(config(user={"token": "abc"})))
    assert access.headers() == {"Authorization": "Bearer abc"}


def test_a_token_file_is_read_anew_each_time_and_found_beside_the_file(
    write: Any, tmp_path: Path
) -> None:
    access = from_file(write(config(user={"tokenFile": "token", "token": "unused"})))
    for token in ("first", "second"):
        (tmp_path / "token").write_text(f"{token}\n")
        assert access.headers() == {"Authorization": f"Bearer {token}"}


HTTPS = {"server": "https://192.0.2.1:6443"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param("a: [", "is not YAML", id="not YAML"),
        pytest.param("- a", "is not a kubeconfig", id="a list"),
        pytest.param({}, "no context chosen under contexts", id="empty"),
        pytest.param(
            config() | {"current-context": "gone"}, "no context 'gone'", id="unknown context"
        ),
        pytest.param(config() | {"clusters": []}, "no cluster 'one' under clusters", id="cluster"),
        pytest.param(config() | {"users": None}, "no user 'me' under users", id="user"),
        pytest.param(config({"server": "192.0.2.1:6443"}), "is no http:// or https://", id="URL"),
        pytest.param(config({**HTTPS, "proxy-url": "http://x"}), "proxy-url", id="a proxy"),
        pytest.param(
            config(user={"exec": {"command": "aws"}}), "'exec', which the agent doesn't", id="exec"
        ),
        pytest.param(
            config({**HTTPS, "certificate-authority": "ca.crt"}),
            "ca.crt can't be read",
            id="CA file",
        ),
        pytest.param(
            config({**HTTPS, "certificate-authority-data": "%"}), "is not base64", id="CA data"
        ),
        pytest.param(
            config({**HTTPS, "certificate-authority-data": base64.b64encode(b"x").decode()}),
            "no PEM certificate",
            id="CA that is none",
        ),
        pytest.param(
            config(HTTPS, {"client-certificate-data": base64.b64encode(b"x").decode()}),
            "only work together",
            id="a certificate without its key",
        ),
        pytest.param(
            config(
                HTTPS,
                {
                    "client-certificate-data": base64.b64encode(b"x").decode(),
                    "client-key-data": base64.b64encode(b"y").decode(),
                },
            ),
            "don't load",
            id="a key that is none",
        ),
    ],
)
def test_what_cannot_be_used_says_why(write: Any, content: object, sentence: str) -> None:
    path = write(content)
    with pytest.raises(NoAccess) as raised:
        from_file(path)
    assert sentence in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match="can't be read: No such file"):
        from_file(tmp_path / "none")


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, a server certificate for 127.0.0.1 and a client's."""
    made = tmp_path_factory.mktemp("keys")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        "req", "-x509", *new_key, "-keyout", made / "ca.key", "-out", made / "ca.crt",
        "-subj", "/CN=ca", "-days", 2,
    )  # fmt: skip
    for name in ("server", "client"):
        openssl("req", *new_key, "-keyout", made / f"{name}.key", "-out", made / f"{name}.csr",
                "-subj", f"/CN={name}")  # fmt: skip
        (made / "names").write_text("subjectAltName=IP:127.0.0.1")
        openssl(
            "x509", "-req", "-in", made / f"{name}.csr", "-out", made / f"{name}.crt",
            "-CA", made / "ca.crt", "-CAkey", made / "ca.key", "-CAcreateserial",
            "-days", 2, "-extfile", made / "names",
        )  # fmt: skip
    return made


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


@pytest.mark.parametrize("inline", [True, False], ids=["data in the file", "names of files"])
async def test_both_sides_verify_each_other(write: Any, keys: Path, inline: bool) -> None:
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_verify_locations(keys / "ca.crt")
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server_tls.load_cert_chain(keys / "server.crt", keys / "server.key")
    seen: list[object] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peercert")["subject"])
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_tls)
    port = server.sockets[0].getsockname()[1]
    cluster: dict[str, Any] = {"server": f"https://127.0.0.1:{port}"}
    if inline:
        cluster["certificate-authority-data"] = encoded(keys / "ca.crt")
        user = {
            "client-certificate-data": encoded(keys / "client.crt"),
            "client-key-data": encoded(keys / "client.key"),
        }
    else:
        cluster["certificate-authority"] = str(keys / "ca.crt")
        user = {
            "client-certificate": str(keys / "client.crt"),
            "client-key": str(keys / "client.key"),
        }
    access = from_file(write(config(cluster, user)))
    assert access.tls is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=access.tls)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    assert seen == [((("commonName", "client"),),)]


def test_verification_can_be_refused_by_the_user_only(write: Any) -> None:
    careful = from_file(write(config(HTTPS))).tls
    careless = from_file(write(config({**HTTPS, "insecure-skip-tls-verify": True}))).tls
    assert careful is not None
    assert careless is not None
    assert careful.verify_mode is ssl.CERT_REQUIRED
    assert careless.verify_mode is ssl.CERT_NONE


def test_in_a_pod_the_service_account_is_used(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "token").write_text("t1")
    (tmp_path / "ca.crt").write_bytes((keys / "ca.crt").read_bytes())
    environment = {"KUBERNETES_SERVICE_HOST": "2001:db8::1", "KUBERNETES_SERVICE_PORT": "6443"}
    access = in_cluster(environment, tmp_path)
    assert access.server == "https://[2001:db8::1]:6443"
    assert access.headers() == {"Authorization": "Bearer t1"}
    (tmp_path / "token").write_text("t2")
    assert access.headers() == {"Authorization": "Bearer t2"}


@pytest.mark.parametrize(
    ("environment", "token"),
    [
        pytest.param({}, True, id="no address of an API server"),
        pytest.param({"KUBERNETES_SERVICE_HOST": "192.0.2.1"}, False, id="no token"),
    ],
)
def test_outside_of_a_pod_the_flag_is_named(
    tmp_path: Path, environment: dict[str, str], token: bool
) -> None:
    if token:
        (tmp_path / "token").write_text("t")
    with pytest.raises(NoAccess, match="--kubeconfig"):
        in_cluster(environment, tmp_path)
