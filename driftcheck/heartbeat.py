"""A URL that is told when a run begins and how it ended, for a service that alarms when it hears nothing.

The form is that of Healthchecks: ``URL/start`` at the start, ``URL`` after success, ``URL/fail`` else.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from time import sleep
from urllib.parse import urlsplit

from driftcheck import __version__, pool
from driftcheck.errors import DriftcheckError

START, SUCCESS, FAILURE = "/start", "", "/fail"
_SECONDS = 10
_PAUSES = (1.0, 3.0)
"""Seconds between the attempts."""


def ping(url: str, what: str) -> None:
    """Tell the URL one of ``START``, ``SUCCESS`` and ``FAILURE``.

    Raises:
        DriftcheckError: it was not told; the line does not have the URL, which may be a secret.
    """
    parts = urlsplit(url)
    address = parts._replace(path=parts.path.rstrip("/") + what).geturl()
    for pause in (*_PAUSES, None):
        try:
            _get(address)
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"HTTP status {error.code}"
        except pool.OverdueError:
            reason = f"no answer within {_SECONDS} s"
        except Exception as error:  # noqa: BLE001 - whatever the library makes of an answer is its fault
            cause = getattr(error, "reason", error)
            reason = getattr(cause, "strerror", None) or type(cause).__name__
        else:
            return
        if pause is None:
            raise DriftcheckError(f"error: [nightly] ping: the URL was not told{_WHEN[what]}: {reason}")
        sleep(pause)


_WHEN = {START: " that the run starts", SUCCESS: " that the run succeeded", FAILURE: " that the run failed"}


def _get(address: str) -> None:
    agent = {"User-Agent": f"driftcheck/{__version__}"}
    request = urllib.request.Request(address, headers=agent)  # noqa: S310 - the schema takes http and https
    # that timeout is one of each read, and an answer that comes a byte at a time has many
    pool.call(lambda: urllib.request.urlopen(request, timeout=_SECONDS).close(), _SECONDS)  # noqa: S310
