"""The demo's last words: what was measured, and where to look at what it made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from demo.addresses import Addresses
from demo.anchors import Anchored
from demo.brand import DemoBrand
from demo.mint import Minted
from demo.packs import Delivery, Pack
from demo.report import Checks, megabytes, peak_memory, rate, table
from tieback.stack.processes import OPERATOR_EMAIL


@dataclass(frozen=True)
class Figures:
    """What was measured in this run."""

    units: int
    submit_seconds: float
    minted: Minted
    packs: Sequence[Pack]
    delivery: Delivery
    size: int
    prove_seconds: float
    signed_at: datetime
    anchored: Anchored
    scan_times: Sequence[float]
    total_seconds: float

    @property
    def export_seconds(self) -> float:
        """From the end of the job to the end of the last pack."""
        end = max(pack.completed_at for pack in self.packs)
        return (end - self.minted.finished_at).total_seconds()

    @property
    def signing_seconds(self) -> float:
        """From the end of the job to the signature; packs come first. Stated in whole seconds."""
        return max(0.0, (self.signed_at - self.minted.finished_at).total_seconds())


def figures_table(figures: Figures, checks: Checks) -> str:
    """Return the figures as a table."""
    minted, units, export = figures.minted, figures.units, figures.export_seconds
    peak = minted.peak_units_per_second
    mint_rate = rate(units, minted.seconds, "units")
    fetched = figures.delivery.seconds
    rows = [
        ("submit answered in", f"{figures.submit_seconds * 1000:.0f} ms"),
        ("waited for a worker", f"{minted.waited_seconds:.1f} s"),
        ("minted in", f"{minted.seconds:.1f} s   {mint_rate}, cycles: {minted.cycles}"),
        ("  fastest 3 s", f"{peak:,.0f} units/s" if peak else "too short to tell"),
        ("  submit to COMPLETED seen", f"{minted.wall_seconds:.1f} s"),
        ("exported in", f"{export:.1f} s   {rate(units, export, 'rows')}"),
        ("minted and exported in", f"{minted.seconds + export:.1f} s"),
        ("packs", f"{len(figures.packs)} with {megabytes(figures.size)}"),
        ("downloaded in", f"{fetched:.1f} s   {megabytes(round(figures.size / fetched))}/s"),
        ("packs proven in", f"{figures.prove_seconds:.1f} s"),
        ("signed", f"{figures.signing_seconds:.0f} s after the last unit, packs first"),
        ("anchored", f"{figures.anchored.roots} roots, {figures.anchored.lamports:,} lamports"),
        ("scan and passport page", f"{median(figures.scan_times):.0f} ms (median)"),
        ("the demo in all", f"{figures.total_seconds:.1f} s, {megabytes(peak_memory())} at most"),
        ("checks", f"{checks.held} of {checks.held + checks.failed} held"),
    ]
    return table(rows)


def where_to_look(addresses: Addresses, brand: DemoBrand, folder: Path) -> str:
    """Return addresses, accounts, and the command that brings the same stack up again."""
    again = (
        f"make up TIEBACK_HOME={_shown(addresses.home)} TIEBACK_WEB_PORT={addresses.web_port}"
        f" TIEBACK_RESOLVER_PORT={addresses.resolver_port}"
        f" TIEBACK_CONSOLE_PORT={addresses.console_port}"
    )
    password = brand.owner_password or "the password they had before"
    rows = [
        ("packs and manifest", _shown(folder)),
        ("see it again", again),
        (
            "  console",
            f"{addresses.console}/admin/   {OPERATOR_EMAIL}; `make up` prints the password",
        ),
        ("  web", f"{addresses.web}/   {brand.owner_email} with {password}"),
        ("  API reference", f"{addresses.web}/api/docs/"),
    ]
    return table(rows)


def _shown(path: Path) -> str:
    """Return the path from here where it lies below, else the whole path."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
