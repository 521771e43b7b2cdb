"""How an API server is reached: as a kubeconfig says, or as a Pod's service account does.

The files are read anew whenever one of them changes: tokens, CAs and client certificates
rotate under a program that runs for months. What a login program gave is asked for again
when the server no longer accepts it. kubernetes_asyncio's loaders do the reading; what they
raise becomes one sentence.
"""

import asyncio
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import yaml

from manager.adapters.kubernetes.contexts import absent
from manager.adapters.kubernetes.loaders import Configuration
from manager.adapters.kubernetes.loaders import config as kube_config
from pointsman.model.printable import clipped
from pointsman.runtime.rotation import Stamps, stamps
from pointsman.runtime.tls import unverified, verifying

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# What the loaders raise for a kubeconfig that is no YAML, or YAML of another shape.
MISREAD: Final = (
    kube_config.ConfigException, yaml.YAMLError, TypeError, AttributeError, KeyError, IndexError,
    ValueError, AssertionError, RecursionError, OSError,
)  # fmt: skip
# Of these, what the loader says speaks of its own code.
MISSHAPEN: Final = (TypeError, AttributeError, KeyError, IndexError, AssertionError)
LOGIN_S: Final = 30.0  # a program that logs in may ask the network
DOUBT_S: Final = 10.0  # a server that refuses every login has it tried this often


class NoAccess(ValueError):
    """The way to the API server cannot be read now; the text says where, and why."""


class NoContext(ValueError):
    """No context of the kubeconfig is meant; the text is a clause that names those there are."""


@dataclass(frozen=True, slots=True)
class Access:
    """The way to an API server, as the files had it."""

    base: str  # without a trailing slash
    tls: ssl.SSLContext | bool  # True: plain HTTP, nothing to verify
    server_name: str | None
    proxy: str | None
    headers: Mapping[str, str]


class Credentials:
    """The access that *kubeconfig* describes, or None: the one of the Pod that we are."""

    def __init__(
        self,
        kubeconfig: Path | None,
        *,
        context: str | None = None,
        account: Path = SERVICE_ACCOUNT,
    ) -> None:
        self._kubeconfig, self._context, self._account = kubeconfig, context, account
        self._known: tuple[Stamps, Access] | None = None
        self._files: tuple[Path, ...] = ()
        self._turn = asyncio.Lock()
        self._loaded_at = 0.0
        self._doubted = False

    def doubt(self) -> None:
        """Have everything read again, but not all the time: the server answered 401."""
        if asyncio.get_running_loop().time() - self._loaded_at > DOUBT_S:
            self._doubted = True

    async def access(self) -> Access:
        """Return the access as the files have it now.

        Raises:
            NoAccess: they cannot be read, or hold none.
        """
        async with self._turn:
            known = self._known
            if known is not None and not self._doubted and stamps(self._files) == known[0]:
                return known[1]
            self._files = self._named()
            before = stamps(self._files)
            try:
                async with asyncio.timeout(LOGIN_S):
                    access = await self._load()
            except MISREAD as error:  # OSError holds TimeoutError
                where = self._kubeconfig or "the Pod's service account"
                raise NoAccess(f"{where}: {_shown(error, where)}") from error
            self._known, self._doubted = (before, access), False
            self._loaded_at = asyncio.get_running_loop().time()
            return access

    async def _load(self) -> Access:
        configuration = Configuration()
        if self._kubeconfig is None:
            kube_config.load_incluster_config(
                client_configuration=configuration,
                try_refresh_token=False,  # by us, on every change
                token_filename=str(self._account / "token"),
                cert_filename=str(self._account / "ca.crt"),
            )
        else:
            if os.pathsep not in str(self._kubeconfig):  # of several, some may be missing
                # The loader takes what it can't read for empty.
                self._kubeconfig.expanduser().read_bytes()
            if clause := absent(_documents(self._kubeconfig), self._context):
                raise NoContext(clause)
            await kube_config.load_kube_config(
                str(self._kubeconfig),
                context=self._context,
                client_configuration=configuration,
                persist_config=False,
            )
        return Access(
            base=_base(str(configuration.host)),
            tls=_tls(configuration),
            server_name=_optional(configuration.tls_server_name),
            proxy=_optional(configuration.proxy),
            headers=_headers(configuration),
        )

    def _named(self) -> tuple[Path, ...]:
        """Return the files that decide; the loader complains of what is wrong with them."""
        if self._kubeconfig is None:
            return (self._account / "token", self._account / "ca.crt")
        try:
            document = yaml.safe_load(self._kubeconfig.read_text())
            named = _files_of(document, self._context)
        except MISREAD:
            named = []
        return (self._kubeconfig, *(self._kubeconfig.parent / name for name in named))


def no_access(error: NoAccess, context: str | None) -> str:
    """Return the sentence for the user; *context*: the one that was asked for."""
    todo = "Name a kubeconfig with --kubeconfig."
    if isinstance(error.__cause__, NoContext):
        todo = "Choose one with kubectl config use-context NAME."
        todo = "Name one of these with --context." if context else todo
    return f"No access to a cluster: {str(error).rstrip('.')}. {todo}"


def _shown(error: Exception, where: object) -> str:
    """Return what is wrong with a kubeconfig, or with a file that it names."""
    if isinstance(error, MISSHAPEN):
        return "it is no kubeconfig, or a cluster, context or user in it is missing"
    if isinstance(error, UnicodeDecodeError):
        return "it is no kubeconfig: it is not text in UTF-8"
    if isinstance(error, OSError) and error.strerror:
        other = error.filename and str(error.filename) != str(where)
        return f"{error.filename}: {error.strerror}" if other else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def _documents(kubeconfig: Path) -> Iterator[object]:
    """Yield what the files of *kubeconfig* hold, but for those that its loader complains of."""
    for part in str(kubeconfig).split(os.pathsep):
        try:
            yield yaml.safe_load(Path(part).expanduser().read_text())
        except MISREAD:
            continue


def _files_of(document: Any, chosen: str | None) -> list[str]:
    """Return the files that a context of a kubeconfig names; by default its current one."""

    def entry(kind: str, name: object) -> Any:
        found = (one for one in document.get(f"{kind}s") or () if one.get("name") == name)
        return next(found, dict[str, Any]()).get(kind) or {}

    context = entry("context", chosen or document.get("current-context"))
    cluster, user = entry("cluster", context.get("cluster")), entry("user", context.get("user"))
    named = [cluster.get("certificate-authority")]
    named += [user.get(key) for key in ("tokenFile", "client-certificate", "client-key")]
    return [name for name in named if isinstance(name, str) and name]


def _base(host: str) -> str:
    """Return the server's URL without a trailing slash.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"server '{clipped(host)}' is no http:// or https:// URL")
    return host.rstrip("/")


def _tls(configuration: Configuration) -> ssl.SSLContext | bool:
    if not str(configuration.host).startswith("https"):
        return True
    authority = configuration.ssl_ca_cert
    context = verifying(file=Path(authority) if authority else None)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    return context if configuration.verify_ssl else unverified(context)


def _headers(configuration: Configuration) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    keys = cast(Mapping[str, object], configuration.api_key)
    token = str(keys.get("BearerToken") or "").strip()
    if not (token.isascii() and token.isprintable()):
        raise ValueError("the token is no line of plain text")
    return headers | ({"Authorization": token} if token else {})


def _optional(value: object) -> str | None:
    return str(value) if value else None
