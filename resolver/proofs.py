"""Gives out proofs to anyone: a unit's as a page and as a file, and the keys that brands sign with.

Who holds a code may know that it was issued; nothing is told of other units but hashes.
"""

from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext, override

from minting.chain.networks import NETWORKS, address_url, explorer_url
from minting.models import MintUnit, ProofKey
from minting.proofs.document import Anchor, Certificate, Changed, Proof
from minting.proofs.giving import proof_of
from minting.proofs.merkle import leaf_hash
from minting.proofs.statement import ALGORITHM
from resolver.digital_link import is_token
from resolver.faces import Face
from resolver.items import Item, read_unit
from resolver.public_answers import (
    FOR_VERDICTS,
    PublicView,
    answered,
    for_everybody,
    language_of,
    links_to_languages,
    of_language,
    query_kept,
)
from resolver.verdicts import Tone, Verdict, moment_of
from tieback.api.envelope import error_response
from tieback.brands.scoping import all_brands

KEYS_PATH = "/.well-known/tieback-keys.json"
_NOT_READY = "The batch of this item is not signed yet; ask again later."


class ProofDocumentView(PublicView):
    """``/p/{token}/proof.json``."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Give the file that ``tieback verify`` takes."""

        def show(brand: UUID, face: Face) -> HttpResponse | None:
            unit = _unit(brand, token)
            if unit is None:
                return None
            proof = _proof(unit)
            if proof is None:
                return for_everybody(error_response(request, HTTPStatus.CONFLICT, _NOT_READY))
            return for_everybody(JsonResponse(proof.as_dict(), json_dumps_params={"indent": 1}))

        return answered(request, show)


class ProofPageView(PublicView):
    """``/p/{token}/proof``."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Explain the proof, and how anyone can check it without us."""

        def show(brand: UUID, face: Face) -> HttpResponse | None:
            item, unit = read_unit(brand, token), _unit(brand, token)
            if item is None or unit is None:
                return None
            return _page(request, item, face, _proof(unit))

        return answered(request, show)


class KeysView(PublicView):
    """``/.well-known/tieback-keys.json``."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """List the public keys of the brand whose host this is, the newest first."""

        def show(brand: UUID, face: Face) -> HttpResponse:
            with all_brands():
                rows = ProofKey.objects.filter(brand=brand).order_by("-id")
                keys = [
                    {
                        "algorithm": ALGORITHM,
                        "key": row.public_key,
                        "since": row.created_at.isoformat(),
                    }
                    for row in rows
                ]
            return for_everybody(JsonResponse({"brand_id": str(brand), "keys": keys}))

        return answered(request, show)


def _page(request: HttpRequest, item: Item, face: Face, proof: Proof | None) -> HttpResponse:
    language = language_of(request, face)
    with override(language.tag):
        context = {
            "item": item,
            "verdict": _verdict(item, proof),
            "face": face,
            "language": language,
            "languages": links_to_languages(request, keeping=FOR_VERDICTS),
            "kept": query_kept(request, FOR_VERDICTS),
            "proof": proof,
            "leaf": proof and leaf_hash(proof.leaf.data).hex(),
            "explorer": proof and proof.anchor and _explorer(proof.anchor),
            "certificate_explorer": proof and proof.certificate and _shown(proof.certificate),
            "keys_path": KEYS_PATH,
            "changed": proof and proof.changed and _said_of(proof.changed),
        }
        return of_language(language.tag, render(request, "resolver/proof.html", context))


def _said_of(changed: Changed) -> str:
    return gettext(
        "The proof names version %(minted)s of the passport, with which the item was made. It was"
        " changed since: the passport shows version %(shown)s."
    ) % {"minted": changed.minted_with, "shown": changed.shows}


def _explorer(anchor: Anchor) -> str | None:
    known = anchor.network in NETWORKS
    return explorer_url(anchor.network, anchor.signature) if known else None


def _shown(certificate: Certificate) -> str | None:
    known = certificate.network in NETWORKS
    return address_url(certificate.network, certificate.address) if known else None


def _verdict(item: Item, proof: Proof | None) -> Verdict:
    if proof is None:
        return Verdict(
            Tone.CALM,
            gettext("There is no proof yet."),
            gettext("The batch of this item is being signed."),
            gettext("Please look again later."),
        )
    return Verdict(
        Tone.GOOD,
        gettext("This code was issued by %(brand)s.") % {"brand": item.brand},
        gettext("It is item %(number)s of the %(size)s of a batch that was signed on %(moment)s.")
        % {
            "number": number_format(proof.index + 1, force_grouping=True),
            "size": number_format(proof.statement.size, force_grouping=True),
            "moment": moment_of(proof.statement.moment),
        },
    )


def _unit(brand: UUID, token: str) -> MintUnit | None:
    if not is_token(token):
        return None
    with all_brands():
        return MintUnit.objects.filter(brand=brand, token=token).first()


def _proof(unit: MintUnit) -> Proof | None:
    with all_brands():
        return proof_of(unit)
