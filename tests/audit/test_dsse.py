import base64
import hashlib

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from audit.dsse import EVENT_TYPE, envelope, is_signed, key_id_of, pae
from audit.keys import Ed25519Signer, public_pem

KEY = Ed25519Signer.from_seed(bytes(range(0x20)))
TYPE = "application/vnd.example.agent-event.v1+json"
SIGNATURE = "Ir4HQrNBj01IQnyU5wC2b3DRRIDlFDQq/oEN2uoL/uVlNjQu2k2X1RoecnkT8JsP+xlfIvaFEYZ3ohXQdrQhDA=="


def test_the_encoding_and_the_signature_are_those_of_the_specification() -> None:
    message = pae(TYPE, b'{"n":0}')

    assert message == b'DSSEv1 43 application/vnd.example.agent-event.v1+json 7 {"n":0}'
    assert base64.b64encode(KEY.sign(message)).decode() == SIGNATURE


def test_lengths_are_counted_in_bytes() -> None:
    assert pae("é", "ü€".encode()) == "DSSEv1 2 é 5 ü€".encode()


def test_the_envelope_has_the_fields_of_dsse() -> None:
    assert envelope(EVENT_TYPE, b"{}", "key", b"sig") == {
        "payload": "e30=",
        "payloadType": "application/vnd.loopgate.event.v1+json",
        "signatures": [{"keyid": "key", "sig": "c2ln"}],
    }


def test_a_signature_is_good_for_its_key_and_message_only() -> None:
    signature = KEY.sign(b"yes")

    assert is_signed(KEY.public, signature, b"yes")
    assert not is_signed(KEY.public, signature, b"no")
    assert not is_signed(Ed25519Signer.from_seed(bytes(32)).public, signature, b"yes")
    assert not is_signed(KEY.public, signature[:-1], b"yes")
    assert not is_signed(KEY.public[:-1], signature, b"yes")


def test_the_key_id_is_the_digest_of_the_der_public_key() -> None:
    der = load_pem_public_key(public_pem(KEY.public).encode()).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )

    assert key_id_of(KEY.public) == hashlib.sha256(der).hexdigest() == KEY.key_id
