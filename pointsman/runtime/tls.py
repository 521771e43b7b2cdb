"""How an API server's certificate is verified: as Go does it, so that we trust what kubectl trusts.

Chain, names, dates. Since Python 3.13 the default context also demands RFC 5280's letter
(VERIFY_X509_STRICT): the CAs of microk8s, EKS and many hand-made ones lack a key usage or an
authority key identifier and would be refused. It refuses to guess what a certificate means.
"""

import ssl
from pathlib import Path
from typing import Final

# Codes of X509_verify_cert (openssl/x509_vfy.h) and what each asks of whoever reads it.
REASONS: Final = {
    9: "its certificate, or its CA's, is not valid yet: is the clock of this host right?",
    10: "its certificate, or its CA's, has expired: renew it, if the clock of this host is right",
}
UNKNOWN_CA: Final = (
    "its certificate is not signed by the CA that we were given: "
    "does certificate-authority (in a Pod: ca.crt) belong to this cluster?"
)
UNKNOWN: Final = frozenset({2, 7, 18, 19, 20, 21, 30})  # no issuer, bad signature, another key
MISNAMED: Final = frozenset({62, 64})  # host name, IP address
INVALID_CA: Final = frozenset({24, 26, 32})  # no CA, wrong purpose, may not sign


def verifying(*, authority: bytes | None = None, file: Path | None = None) -> ssl.SSLContext:
    """Return a context that believes the CAs in *authority* (PEM) or *file*; else the system's.

    A certificate that is listed itself is believed, CA or not, as by Go and by Python 3.13
    on its own. Only subjectAltName names a server: no client of Kubernetes reads a common name.

    Raises:
        OSError: *file* can't be read; `ssl.SSLError` is one, and says that it is no PEM.
        UnicodeDecodeError: *authority* is no PEM.
    """
    text = authority.decode("ascii") if authority else None
    context = ssl.create_default_context(cafile=file, cadata=text)
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    return context


def unverified(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return *context*, which believes everybody from now on (insecure-skip-tls-verify)."""
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def distrust(error: BaseException) -> str:
    """Return why a server's certificate was refused, "" if *error* doesn't tell of that.

    The sentence's part after "the API server is not trusted: ".
    """
    cause: BaseException | None = error
    for _ in range(8):  # a library wraps it once or twice, in classes of the same name
        if cause is None or hasattr(cause, "verify_code"):
            break
        cause = getattr(cause, "certificate_error", None) or cause.__cause__ or cause.__context__
    return _reason(cause) if isinstance(cause, ssl.SSLCertVerificationError) else ""


def _reason(error: ssl.SSLCertVerificationError) -> str:
    code, message = error.verify_code, error.verify_message
    if code in MISNAMED:
        return (
            f"its certificate names another server ({message.rstrip('.')}): "
            "use a name in its subjectAltName as server, or as tls-server-name"
        )
    if code in UNKNOWN:
        return UNKNOWN_CA
    if code in INVALID_CA:
        return f"the CA that we were given may not sign servers' certificates ({message})"
    return REASONS.get(code, message or str(error))
