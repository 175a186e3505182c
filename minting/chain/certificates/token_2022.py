"""Instructions of Token-2022 that make a mint with one token and metadata, and let go of it. Pure.

Numbers are little endian, texts have their length before them (Borsh). Source: the programs'
``TokenInstruction``, the extensions MetadataPointer and TokenMetadata, and the interface
``spl_token_metadata_interface``, whose instructions are named by hashes.
"""

import struct
from collections.abc import Sequence
from hashlib import sha256

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountWithSeedParams, create_account_with_seed

TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")
_MINT_TO, _SET_AUTHORITY, _INITIALIZE_MINT, _METADATA_POINTER = 7, 6, 20, 39
_MINT_TOKENS, _NOBODY, _NO_DECIMALS, _CUSTOM_FIELD = 0, 0, 0, 3
#: A mint padded to the size of an account, its type, and the extension that points to itself.
_BASE_BYTES = 165 + 1 + 4 + 64
#: Of the metadata: their type and length, their authority, their mint, how many fields follow.
_METADATA_BYTES = 4 + 32 + 32 + 4
_LENGTH_BYTES = 4
Fields = Sequence[tuple[str, str]]


def size_of(name: str, fields: Fields) -> int:
    """Return the bytes of the mint's account once its metadata are in it."""
    texts = [name, "", "", *(text for field in fields for text in field)]
    return _BASE_BYTES + _METADATA_BYTES + sum(_LENGTH_BYTES + len(one.encode()) for one in texts)


def address_of(payer: Pubkey, seed: str) -> Pubkey:
    """Return the address of the mint that this payer makes with this seed."""
    return Pubkey.create_with_seed(payer, seed, TOKEN_2022)


def holder_of(owner: Pubkey, mint: Pubkey) -> Pubkey:
    """Return the account in which an owner holds tokens of a mint."""
    seeds = [bytes(owner), bytes(TOKEN_2022), bytes(mint)]
    return Pubkey.find_program_address(seeds, ASSOCIATED)[0]


def make(
    payer: Pubkey, seed: str, *, name: str, fields: Fields, lamports: int
) -> list[Instruction]:
    """Make the mint with its metadata, one token of it for the payer, and then let go of both.

    ``lamports``: the rent of all its bytes, since the metadata take theirs when they are written.
    """
    mint = address_of(payer, seed)
    return [
        create_account_with_seed(
            CreateAccountWithSeedParams(
                from_pubkey=payer,
                to_pubkey=mint,
                base=payer,
                seed=seed,
                lamports=lamports,
                space=_BASE_BYTES,
                owner=TOKEN_2022,
            )
        ),
        # Nobody may let it point elsewhere.
        _token(bytes([_METADATA_POINTER, 0]) + bytes(32) + bytes(mint), _written(mint)),
        _token(
            bytes([_INITIALIZE_MINT, _NO_DECIMALS]) + bytes(payer) + bytes([_NOBODY]),
            _written(mint),
        ),
        *_metadata(payer, mint, name=name, fields=fields),
        *_one_token(payer, mint),
    ]


def _metadata(payer: Pubkey, mint: Pubkey, *, name: str, fields: Fields) -> list[Instruction]:
    """Write the metadata, and then leave them without an authority."""
    signed = (_written(mint), _signing(payer))
    begun = _token(
        _named("initialize_account") + _text(name) + _text("") + _text(""),
        *(_written(mint), _read(payer), _read(mint), _signing(payer)),
    )
    custom = bytes([_CUSTOM_FIELD])
    written = [
        _token(_named("updating_field") + custom + _text(key) + _text(value), *signed)
        for key, value in fields
    ]
    return [begun, *written, _token(_named("update_the_authority") + bytes(32), *signed)]


def _one_token(payer: Pubkey, mint: Pubkey) -> list[Instruction]:
    """Make the one token, and then let nobody make more."""
    holder = holder_of(payer, mint)
    accounts = [
        AccountMeta(payer, is_signer=True, is_writable=True),
        _written(holder),
        *(_read(one) for one in (payer, mint, SYSTEM, TOKEN_2022)),
    ]
    return [
        Instruction(ASSOCIATED, b"", accounts),
        _token(struct.pack("<BQ", _MINT_TO, 1), _written(mint), _written(holder), _signing(payer)),
        _token(bytes([_SET_AUTHORITY, _MINT_TOKENS, _NOBODY]), _written(mint), _signing(payer)),
    ]


def _token(data: bytes, *accounts: AccountMeta) -> Instruction:
    return Instruction(TOKEN_2022, data, list(accounts))


def _named(name: str) -> bytes:
    return sha256(f"spl_token_metadata_interface:{name}".encode()).digest()[:8]


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<I", len(raw)) + raw


def _read(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)


def _written(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _signing(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=False)
