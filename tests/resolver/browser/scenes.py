"""Every kind of page that a scan may lead to, with its answer taken from the resolver."""

from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.wsgi import WSGIHandler

from minting.models import MintUnit
from minting.proofs.building import work_next_step
from minting.revocations import Act, Why, revoke_units
from minting.states import ActivationMode, RevocationReason, UnitStatus
from minting.worker import Outcome, work_next_job
from resolver.finding import Finding, signed
from resolver.redirects import in_front_of
from tests.factories import BrandWorld, make_world
from tests.minting.requests import queued_job
from tests.planes import acting_as
from tests.platform.wsgi import Answer, call
from tests.resolver.linking import BROWSER, add_link
from tests.resolver.logos import put_logo
from tests.resolver.scanning import IPHONE
from tests.resolver.units import mint
from tieback.brands.scoping import brand_scope


@dataclass
class Scenes:
    """The addresses of the pages, by what they show, and the answers that were given."""

    paths: dict[str, str]
    host: str
    answers: dict[str, Answer] = field(default_factory=dict)

    def fetch(self, languages: tuple[str, ...]) -> None:
        """Ask the resolver for every page in each language, and for what the pages load."""
        application = in_front_of(WSGIHandler())
        for path in self.paths.values():
            for language in languages:
                self._ask(application, in_language(path, language))

    def add(self, path: str) -> None:
        """Ask for one more path."""
        self._ask(in_front_of(WSGIHandler()), path)

    def _ask(self, application: Any, path: str) -> None:
        host = "nobody.example" if "nobody" in path else self.host
        headers = {"host": host, "user-agent": IPHONE, "accept": BROWSER}
        self.answers[path] = call(application, "GET", path, headers=headers)


def in_language(path: str, language: str) -> str:
    """Return the path with the language asked for."""
    return f"{path}{'&' if '?' in path else '?'}lang={language}"


def make_scenes() -> Scenes:
    """Mint what there is to see: a brand with everything set, and units in every state."""
    world = make_world(
        "nordhav",
        accent_colour="#ffe100",
        support_url="https://care.nordhav.example/a-rather-long-address-of-a-page/for-customers",
        support_email="care@nordhav.example",
    )
    logo = put_logo(world)
    units = {
        "first scan": _unit(world, UnitStatus.ACTIVE),
        "scanned before": _unit(world, UnitStatus.ACTIVE, category="textile"),
        "valid": _unit(
            world,
            UnitStatus.ACTIVE,
            activation_mode=ActivationMode.ACTIVE_AT_MINT,
            category="battery_ev",
        ),
        "not active": _unit(world, UnitStatus.MINTED, category="electronics"),
        "expired": _unit(world, UnitStatus.ACTIVE),
        "revoked": _unit(world, UnitStatus.REVOKED),
        **{reason.value: _revoked(world, reason) for reason in RevocationReason},
    }
    paths = {name: f"/p/{token}" for name, token in units.items()}
    found = signed(units["first scan"], Finding(is_first_scan=True))
    paths["first scan"] += f"?scan={found}"
    paths["expired"] += "?17=250131"
    minted = mint(world, serials=["A-" + "9" * 18], lot="LOT-7")
    for at, title in enumerate(("How do I wash it?", "هل يمكن كيّه؟")):
        add_link(world, "gs1:faqs", f"https://care.nordhav.example/{at}", title=title)
    plain = f"/01/{minted.gtin}/21/never-issued"
    of_lot = f"/01/{minted.gtin}/10/LOT-7?linkType="
    proven = _proven(world)
    paths |= {
        "proven": f"/p/{proven}",
        "proof": f"/p/{proven}/proof",
        "no proof yet": f"{paths['valid']}/proof",
        "lot": f"/p/ml/{minted.lot_id}",
        "product": f"/p/01/{minted.gtin}",
        "unknown": plain,
        "no such host": f"{plain}?nobody=1",
        "malformed": f"{plain}/10/L1",
        "links": f"{of_lot}linkset",
        "choices": f"{of_lot}gs1:faqs",
        "no such link": f"{of_lot}gs1:recallStatus",
    }
    scenes = Scenes(paths, world.brand.resolver_host)
    scenes.add(f"/p/logo/{logo.sha256}.png")
    return scenes


def _unit(world: BrandWorld, status: UnitStatus, **values: Any) -> str:
    return mint(
        world, status=status, name="Wool sweater «Fjord», Nordic blue, size M", **values
    ).tokens[0]


def _proven(world: BrandWorld) -> str:
    """Mint a batch as the planes do, and sign it."""
    job = queued_job(world, 1_500)
    with acting_as("worker"):
        assert work_next_job()[0] is Outcome.COMPLETED
        while work_next_step():
            pass
        with brand_scope(world.brand.id):
            return MintUnit.objects.get(batch=job.batch_id, ordinal=1_250).token


def _revoked(world: BrandWorld, reason: RevocationReason) -> str:
    token = _unit(world, UnitStatus.ACTIVE)
    with acting_as("web"), brand_scope(world.brand.id):
        revoke_units(
            brand_id=world.brand.id, tokens=[token], why=Why(reason), act=Act("system:test")
        )
    return token
