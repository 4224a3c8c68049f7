"""Why a server could not be reached, in words for those who have to do something about it."""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp

from duologue.connection.http.proxies import ProxyFailed

SEE_SETTINGS: Final = "see HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY"

_TRUST: Final = "if that is as it should be, pass an `ssl_context` that trusts it"


def explanation(error: Exception) -> str:
    """What was in the way, and what to do: the end of a sentence that has named the server.

    Nothing of the request is in it, and nothing of a proxy's address: both may have secrets.
    """
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"({_mistrust(error.certificate_error)}); {_TRUST}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"({_mistrust(error)}); {_TRUST}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"(the proxy on the way answered with HTTP status {error.status}); {SEE_SETTINGS}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"(the proxy on the way does not answer); {SEE_SETTINGS}"
    if isinstance(error, ProxyFailed):
        return f"(the proxy on the way {error}); {SEE_SETTINGS}"
    cause = (
        error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    )
    return f"({cause}); is the server running, and is `origin` right?"


def _mistrust(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return "its certificate is not trusted"
