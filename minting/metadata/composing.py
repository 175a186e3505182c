"""Composes a document from the rows it tells of, once: from then on its bytes stay as they are.

Runs in the scope of the brand.
"""

import hashlib
from dataclasses import dataclass

from django.conf import settings

from minting.metadata.addresses import short_ids
from minting.metadata.cid import cid_of
from minting.metadata.document import Facts, bytes_of, document_of
from minting.metadata.validation import Problem, problems_of
from minting.models import MetadataDocument, PassportVersion
from minting.proofs.passports import passport_sha256
from tieback.brands.models import Brand, BrandLogo
from tieback.errors import PermanentError

#: What is written with a document's bytes, all at once.
COMPOSED = ("cid", "short_id", "content", "size", "sha256")


class Unsound(PermanentError):
    """A document may not be pinned as it would be; ``problems`` say what to mend."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Carry every problem."""
        self.problems = problems
        super().__init__(" ".join(map(str, problems)))


@dataclass(frozen=True, slots=True)
class Composed:
    """The bytes of a document and the CID that names them."""

    cid: str
    content: bytes


def base_of(brand: Brand) -> str:
    """Return scheme and host of the brand's resolver; empty where it has none."""
    if not brand.resolver_host:
        return ""
    return f"{settings.TIEBACK_RESOLVER_SCHEME}://{brand.resolver_host}"


def compose(version: PassportVersion, number: int) -> Composed:
    """Return the document of a passport version as the rows are now. Raises ``Unsound``."""
    content = bytes_of(document_of(_facts(version), number))
    problems = problems_of(content)
    if problems:
        raise Unsound(problems)
    return Composed(cid_of(content), content)


def put_into(document: MetadataDocument, composed: Composed) -> None:
    """Set the columns named in ``COMPOSED``; the caller saves them."""
    document.cid = composed.cid
    document.content = composed.content
    document.size = len(composed.content)
    document.sha256 = hashlib.sha256(composed.content).hexdigest()
    document.short_id = _free_short_id(document)


def _free_short_id(document: MetadataDocument) -> str:
    """Return the shortest beginning of the hash that names no other document of the brand.

    Two that begin alike and are composed at the same moment meet in the table's constraint.
    """
    wanted = list(short_ids(document.cid or ""))
    others = MetadataDocument.objects.filter(brand=document.brand_id, short_id__in=wanted)
    taken = set(others.exclude(pk=document.pk).values_list("short_id", flat=True))
    return next(short_id for short_id in wanted if short_id not in taken)


def _facts(version: PassportVersion) -> Facts:
    product = version.product
    brand = Brand.objects.get(pk=version.brand_id)
    logo = BrandLogo.objects.filter(brand=brand).values_list("sha256", flat=True).first()
    return Facts(
        base=base_of(brand),
        brand=brand.name,
        logo_sha256=logo or "",
        product_id=product.id,
        product=product.name,
        gtin=product.gtin,
        category=version.category,
        schema_version=version.schema_version,
        dpp=version.dpp,
        passport_version=version.number,
        passport_sha256=passport_sha256(version),
    )
