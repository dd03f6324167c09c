"""What can go wrong between driftcheck and AWS, as rows of data that the fake service acts out."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the service saw it.

    ``name`` is what it asked about: a definition's name, a resource's ARN, a role's ARN or an object's bucket
    and key, else empty.
    ``account`` is empty for an access key that the service does not know; ``at`` is epoch seconds.
    """

    action: str
    is_sts: bool
    region: str
    access_key: str
    account: str
    name: str
    at: float
    parameters: Mapping[str, Any]

    @property
    def is_s3(self) -> bool:
        """Whether S3 is called."""
        return self.action.endswith("Object")


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error as AWS sends it, in the protocol of the call."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Another answer than the true one: text as it is, in UTF-8, or a JSON value."""

    body: Any
    status: int = 200
    content_type: str = "application/x-amz-json-1.1"

    @property
    def encoded(self) -> bytes:
        """The bytes of the body."""
        match self.body:
            case bytes():
                return self.body
            case str():
                return self.body.encode()
            case _:
                return json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect to a port of this machine that nobody may contact (``Service.strays`` tells)."""

    status: int = 307


@dataclass(frozen=True, slots=True)
class Reset:
    """A TCP reset: instead of an answer, or after the headers and half the body."""

    after_headers: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The headers and half the body, then the end of the connection."""


@dataclass(frozen=True, slots=True)
class Drip:
    """The headers, then the body one byte every so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Boast:
    """The headers of an answer of so many bytes, and none of them."""

    length: int


@dataclass(frozen=True, slots=True)
class Hang:
    """No byte of an answer, until the service stops."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The true answer, or what the rows below say, so many seconds later."""

    seconds: float


Mishap: TypeAlias = Refuse | Answer | Redirect | Reset | Cut | Drip | Boast | Hang
Behaviour: TypeAlias = Mishap | Delay

THROTTLED = Refuse(400, "ThrottlingException", "Rate exceeded")
EXPIRED = Refuse(400, "ExpiredTokenException", "The security token included in the request is expired")
DENIED = Refuse(400, "AccessDeniedException", "User is not authorized to perform this action")
UNKNOWN_KEY = Refuse(
    400, "UnrecognizedClientException", "The security token included in the request is invalid."
)
INTERNAL = Refuse(500, "InternalFailure", "We encountered an internal error. Please try again.")
BAD_GATEWAY = Answer("<html><body>503 Service Unavailable</body></html>", 503, "text/html")


@dataclass(slots=True)
class Fault:
    """One row: what happens, and to which calls. The fields of a call are matched with ``fnmatch`` patterns.

    The first ``skip`` matching calls pass; the next ``times`` fail (None: all of them); then all pass.
    """

    does: Behaviour
    action: str = "*"
    name: str = "*"
    region: str = "*"
    account: str = "*"
    times: int | None = None
    skip: int = 0
    _seen: int = field(default=0, init=False)

    def takes(self, call: Call) -> bool:
        """Tell whether this row is for that call, and count it if so."""
        if not (
            fnmatchcase(call.action, self.action)
            and fnmatchcase(call.name, self.name)
            and fnmatchcase(call.region, self.region)
            and fnmatchcase(call.account, self.account)
        ):
            return False
        self._seen += 1
        return self._seen > self.skip and (self.times is None or self._seen <= self.skip + self.times)


@dataclass(slots=True)
class Bucket:
    """A token bucket for each (account, region): ``capacity`` calls at once, then so many a second."""

    capacity: float
    per_second: float
    _levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict, init=False)

    def admits(self, call: Call) -> bool:
        """Take a token for the call; False when there is none."""
        now = time.monotonic()
        level, then = self._levels.get((call.account, call.region), (self.capacity, now))
        level = min(self.capacity, level + (now - then) * self.per_second)
        self._levels[call.account, call.region] = (level - 1 if level >= 1 else level, now)
        return level >= 1
