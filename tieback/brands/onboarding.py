"""How a brand begins: the brand, its owner and a first API credential, all or nothing.

Also holds what may stand in the two columns that decide what is printed, resolver host and GS1
company prefixes, because the console edits them later.
"""

import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError

from tieback.brands.audit import ActsFor, record
from tieback.brands.credentials import IssuedCredential, issue_credential
from tieback.brands.models import Brand, Membership, ResolverHost, User
from tieback.brands.roles import Role
from tieback.brands.scoping import all_brands, brand_scope
from tieback.brands.setting_rules import check_setting
from tieback.errors import FieldError, ValidationFailed

CREDENTIAL_NAME = "first credential"
PASSWORD_BYTES = 15

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[1-9][0-9]{{0,4}}))?")
_PREFIX = re.compile(r"[0-9]{6,12}")

# Parts of constraints' names, and the fields they are about.
_UNIQUE = {"slug": "slug", "email": "owner_email", "resolverhost": "resolver_host"}

LONGEST_NAME = 200
LONGEST_HOST = 253
HIGHEST_PORT = 65_535
# What stands in no ``Host`` header, whatever is printed: RFC 9110, section 4.2.3.
_USUAL_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True)
class NewBrand:
    """What a brand begins with."""

    slug: str
    name: str
    resolver_host: str
    owner_email: str
    gs1_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OnboardedBrand:
    """A brand that has just begun. ``password`` is set only if its owner is new here."""

    brand: Brand
    owner: User
    password: str | None
    credential: IssuedCredential


def onboard_brand(new: NewBrand, *, actor: str) -> OnboardedBrand:
    """Create the brand, its owner's membership and an API credential in one transaction.

    A person who is already known becomes the owner and keeps their password. Raises
    ``ValidationFailed`` with every fault at once, having written nothing.
    """
    wanted = _cleaned(new)
    brand_id = uuid.uuid4()
    with _taken_meanwhile(), brand_scope(brand_id):
        brand = Brand.objects.create(
            id=brand_id,
            slug=wanted.slug,
            name=wanted.name,
            resolver_host=wanted.resolver_host,
            gs1_prefixes=list(wanted.gs1_prefixes),
        )
        owner, password = _owner(wanted.owner_email)
        Membership.objects.create(brand=brand, user=owner, role=Role.OWNER)
        issued = issue_credential(brand_id=brand_id, name=CREDENTIAL_NAME, created_by=owner)
        record(
            ActsFor(brand_id, actor),
            "brand.created",
            "brand",
            brand_id,
            after={
                "slug": brand.slug,
                "resolver_host": brand.resolver_host,
                "gs1_prefixes": brand.gs1_prefixes,
                "owner": owner.pk,
                "credential": issued.id,
            },
        )
    return OnboardedBrand(brand, owner, password, issued)


def clean_resolver_host(text: str) -> str:
    """Return the host in lower case; raise ``ValueError`` with what is wrong with it."""
    host = text.strip().lower()
    if "://" in host or "/" in host:
        raise ValueError("Name the host alone, without scheme and path: id.example.com.")
    if not host.isascii():
        raise ValueError("Write an international name in its ASCII form, which begins with xn--.")
    found = _HOST.fullmatch(host)
    if not found or len(found["name"]) > LONGEST_HOST or int(found["port"] or 1) > HIGHEST_PORT:
        raise ValueError(f"{text.strip()!r} is not a host name like id.example.com.")
    return host


def free_resolver_host(text: str, *, brand_id: uuid.UUID | None = None) -> str:
    """Return the host in lower case where no other brand than this one holds it.

    Raises ``ValueError``: a code's host is what tells brands apart, and what is printed stays. A
    host that is new to a brand is held to what other apps ask of one; a new brand has nothing yet.
    """
    host = clean_resolver_host(text)
    with all_brands():
        holder = ResolverHost.objects.filter(host=host).first()
    if holder and holder.brand_id != brand_id:
        raise ValueError(f"{host} is held by another brand: each brand has hosts of its own.")
    if holder is None:
        _refuse_usual_port(host)
    if holder is None and brand_id is not None:
        check_setting("resolver_host", brand_id, host)
    return host


def _refuse_usual_port(host: str) -> None:
    """Raise ``ValueError`` for a host that nobody would ask for by this name."""
    port = _USUAL_PORTS[settings.TIEBACK_RESOLVER_SCHEME]
    if host.endswith(port):
        raise ValueError(
            f"Write {host.removesuffix(port)} without {port}: browsers leave this port out, and no"
            " code with it would be known."
        )


def further_resolver_host(text: str, *, brand: Brand) -> str:
    """Return a host in lower case that the brand does not hold yet. Raises ``ValueError``."""
    host = free_resolver_host(text, brand_id=brand.pk)
    with all_brands():
        if ResolverHost.objects.filter(host=host).exists():
            raise ValueError(f"{brand.name} has {host} already.")
    return host


def clean_gs1_prefixes(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the prefixes without repeats; raise ``ValueError`` naming those that are none."""
    prefixes = tuple(dict.fromkeys(text.strip() for text in texts))
    bad = [text for text in prefixes if not _PREFIX.fullmatch(text)]
    if bad:
        listed = ", ".join(map(repr, bad))
        raise ValueError(f"A GS1 company prefix has 6 to 12 digits; this is none: {listed}.")
    return prefixes


def _clean_slug(text: str) -> str:
    slug = text.strip()
    if not _SLUG.fullmatch(slug):
        raise ValueError(
            "A slug has 1 to 63 lower-case letters, digits and hyphens, and neither begins nor"
            " ends with a hyphen."
        )
    with all_brands():
        if Brand.objects.filter(slug=slug).exists():
            raise ValueError(f"{slug!r} is taken by another brand.")
    return slug


def _clean_name(text: str) -> str:
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(f"A name has 1 to {LONGEST_NAME} printable characters.")
    return name


def _clean_email(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise ValueError(f"{text!r} is not an e-mail address.") from None
    if User.objects.filter(email__iexact=email, is_active=False).exists():
        raise ValueError(f"{email} belongs to a person who may no longer sign in.")
    return email


def _cleaned(new: NewBrand) -> NewBrand:
    """Return the request in the form it is stored, or raise with every fault in it."""
    rules: dict[str, Callable[[Any], Any]] = {
        "slug": _clean_slug,
        "name": _clean_name,
        "resolver_host": free_resolver_host,
        "owner_email": _clean_email,
        "gs1_prefixes": clean_gs1_prefixes,
    }
    values: dict[str, Any] = {}
    faults = []
    for field, clean in rules.items():
        try:
            values[field] = clean(getattr(new, field))
        except ValueError as error:
            faults.append(FieldError(field, "INVALID", str(error)))
    if faults:
        raise ValidationFailed(fields=tuple(faults))
    return NewBrand(**values)


def _owner(email: str) -> tuple[User, str | None]:
    """Return the person with this address and, if they are new here, their password."""
    known = User.objects.filter(email__iexact=email).first()
    if known:
        return known, None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    return User.objects.create_user(email, password), password


@contextmanager
def _taken_meanwhile() -> Iterator[None]:
    """Say the same of a slug or address that another process took after it was looked up."""
    try:
        yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
        for column, field in _UNIQUE.items():
            if column in constraint:
                fault = FieldError(field, "INVALID", "It was taken just now; try again.")
                raise ValidationFailed(fields=(fault,)) from error
        raise
