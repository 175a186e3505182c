"""Runs the demo against the stack whose environment it is started in; exits 0 if all checks hold.

python -m demo --units 1000000
"""

import argparse
import os
import sys
import time
from datetime import datetime
from pathlib import Path

import urllib3

from demo import anchors, catalogue, mint, packs, proof, scans, unit_proofs
from demo.addresses import Addresses, read_addresses
from demo.api_client import ApiClient
from demo.brand import DemoBrand, create_brand
from demo.report import Checks, DemoFailed
from demo.summary import Figures, figures_table, where_to_look

MOST_UNITS = 1_000_000


def main(argv: list[str]) -> int:
    """Run every step; return the exit code."""
    options = _parser().parse_args(argv)
    checks = Checks()
    try:
        _run(checks, read_addresses(os.environ), options.units, options.slug)
    except DemoFailed as failure:
        checks.stop(str(failure))
    except urllib3.exceptions.HTTPError as error:
        checks.stop(f"the stack does not answer: {error}")
    except OSError as error:
        checks.stop(f"this machine refuses: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130
    if not checks.all_held:
        print(f"\nthe demo FAILED: {checks.failed} of {checks.held + checks.failed} checks")
    return 0 if checks.all_held else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument(
        "--units", type=_units, default=MOST_UNITS, help="how many units to mint, 1 to 1000000"
    )
    parser.add_argument("--slug", default="nordhav", help="short name of the demo's brand")
    return parser


def _units(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_UNITS:
        message = f"must be between 1 and {MOST_UNITS}"
        raise argparse.ArgumentTypeError(message)
    return count


def _run(checks: Checks, addresses: Addresses, units: int, slug: str) -> None:
    began = time.monotonic()
    checks.step(f"1  A brand, its catalogue, and what is not ready ({addresses.web})")
    brand = create_brand(slug=slug, resolver_host=addresses.resolver_host)
    checks.check(f"brand {brand.slug}: codes on {addresses.resolver_host}, a new API credential")
    api = ApiClient(addresses.web, brand.api_key)
    catalogue.import_table(api, checks, catalogue.PRODUCTS)
    catalogue.import_table(api, checks, catalogue.PRODUCTION_BATCHES)
    missing = catalogue.show_unready(api, checks)
    catalogue.show_blocked(api, checks, missing)

    checks.step(f"2  Mint {units:,} units")
    submitted = mint.submit(api, checks, units)
    minted = mint.follow(api, checks, submitted, units)

    checks.step("3  Packs, and what they prove")
    built = packs.wait_for_packs(api, checks, submitted.batch_id, units)
    folder = addresses.home / "demo-packs" / submitted.batch_id
    delivery = packs.download_packs(api, checks, submitted.batch_id, built, folder)
    proved, prove_seconds = _prove(checks, addresses, submitted, delivery, units)
    packs.check_refusals(api, checks, built)

    checks.step("4  Proofs that anyone can check")
    signed = unit_proofs.wait_until_signed(api, checks, submitted.batch_id, units)
    codes = scans.pick_codes(delivery.downloads, scans.SCANS)
    unit_proofs.check_proofs(checks, codes)

    checks.step("5  Scans")
    scan_times = scans.scan_codes(api, checks, codes, submitted.product["name"])
    scans.show_kpis(api, checks, units=units, scanned=len(codes), packs=len(built))

    checks.step(f"6  The batch's root on the chain ({addresses.rpc_url}: this machine's own)")
    roots = len(signed["heads"])
    anchored = anchors.wait_until_anchored(api, checks, submitted.batch_id, roots)
    anchors.check_anchor(
        checks,
        codes[0],
        rpc_url=addresses.rpc_url,
        batch_id=submitted.batch_id,
        root=signed["root"],
    )

    figures = Figures(
        units=units,
        submit_seconds=submitted.answer_seconds,
        minted=minted,
        packs=built,
        delivery=delivery,
        size=proved.size,
        prove_seconds=prove_seconds,
        signed_at=datetime.fromisoformat(signed["signed_at"]),
        anchored=anchored,
        scan_times=scan_times,
        total_seconds=time.monotonic() - began,
    )
    _conclude(checks, addresses, brand, figures, folder)


def _prove(
    checks: Checks,
    addresses: Addresses,
    submitted: mint.Submitted,
    delivery: packs.Delivery,
    units: int,
) -> tuple[proof.Proof, float]:
    """Check the packs against the product and the request, whatever the API says of the batch."""
    began = time.monotonic()
    expected = proof.Expected(
        units=units,
        resolver_base=f"http://{addresses.resolver_host}",
        gtin=submitted.product["gtin"],
        sku=mint.SKU,
        batch_id=submitted.batch_id,
        production_batch=mint.PRODUCTION_REF,
        activation_mode="first_scan",
    )
    found = proof.prove(delivery.manifest["packs"], delivery.downloads, expected)
    count = len(delivery.downloads)
    checks.check(
        f"packs delivered: {count} with {found.rows:,} rows, as the manifest says", found.packs
    )
    checks.check("each pack has the bytes and the SHA-256 of the manifest", found.digests)
    checks.check(f"the ordinals are 1 to {units:,} without a gap", found.ordinals)
    checks.check("all tokens are distinct", found.tokens)
    checks.check(f"every URL is http://{addresses.resolver_host}/01/…/21/token", found.urls)
    checks.check(f"all {len(proof.COLUMNS)} columns are as specified in every row", found.columns)
    return found, time.monotonic() - began


def _conclude(
    checks: Checks, addresses: Addresses, brand: DemoBrand, figures: Figures, folder: Path
) -> None:
    checks.step("Figures of this run")
    print(figures_table(figures, checks))
    checks.step("Where to look")
    print(where_to_look(addresses, brand, folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
