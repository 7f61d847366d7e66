"""How a download fails: a kind for whoever must decide, and words for whoever reads."""

from __future__ import annotations

import http.client
import ssl
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from cmp.system import retry
from cmp.system.urls import origin, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["status", "tls", "name", "lookup", "connection", "silence", "cut", "address", "redirect", "proxy"]

_TRANSIENT_KINDS = ("lookup", "connection", "silence", "cut")
_TRANSIENT_STATUSES = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


class DownloadError(Exception):
    """A download failed: `kind` says how, `status` what the server answered, `host` which server it was."""

    def __init__(self, kind: Kind, said: str, host: str, status: int = 0) -> None:
        super().__init__(kind, said, host, status)
        self.kind = kind
        self.said = said
        self.host = host
        self.status = status

    def __str__(self) -> str:
        return self.said

    @property
    def is_transient(self) -> bool:
        """Whether another try may help."""
        if self.kind == "status":
            return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self.status in _TRANSIENT_STATUSES
        return self.kind in _TRANSIENT_KINDS


@contextmanager
def told(url: str) -> Iterator[None]:
    """Tell faults of a connection by kind: DownloadError."""
    host = origin(url).netloc
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise DownloadError("tls", f"{host}: certificate verify failed: {error.verify_message}", host) from None
    except TimeoutError:
        raise DownloadError("silence", f"{host} timed out after {retry.ATTEMPT_SECONDS:g} s", host) from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise DownloadError("cut", f"{shown(url)} broke off: TLS ended early", host) from None
    except ssl.SSLError as error:
        raise DownloadError("tls", f"{host}: TLS failed: {reason(error)}", host) from None
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError("cut", f"{shown(url)} broke off: {reason(error)}", host) from None


def reason(error: object) -> str:
    """Return the words of an error of the operating system or a library."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
