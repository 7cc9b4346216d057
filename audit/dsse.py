"""DSSE v1.0.2: signatures over exact bytes together with their type.

https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
"""

import base64
from typing import Any

EVENT_TYPE = "application/vnd.loopgate.event.v1+json"
"""The payload type of a leaf."""

HEAD_TYPE = "application/vnd.loopgate.head.v1+json"
"""The payload type of the head that each commit signs."""


def pae(payload_type: str, body: bytes) -> bytes:
    """The pre-authentication encoding: what is really signed. Lengths are bytes in ASCII decimal."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def envelope(payload_type: str, body: bytes, key_id: str, signature: bytes) -> dict[str, Any]:
    """The JSON envelope of one signature. `keyid` is a hint that nothing vouches for."""
    return {
        "payload": base64.b64encode(body).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }
