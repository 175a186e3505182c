"""Judging stored agents again: what changes, what cannot, and the figures that follow."""

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from resolver import reclassification
from resolver.agent_texts import reduced
from resolver.agents import AgentKind, kind_of
from resolver.models import ScanAgent, ScanPolicy
from resolver.reclassification import reclassify
from resolver.scan_counts import count_open_days, count_scans
from resolver.traffic import OF_KIND, TrafficClass
from tests.factories import BrandWorld
from tests.planes import acting_as
from tests.resolver.scan_rows import day_ago, days, events, hours, make_day, this_hour, write_scans
from tests.resolver.scanning import IPHONE
from tests.resolver.units import Minted, mint
from tieback.brands.scoping import all_brands, brand_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.plane("worker")]

PERSON, CRAWLER, MACHINE = TrafficClass.PERSON, TrafficClass.CRAWLER, TrafficClass.MACHINE
PHONE, BOT = reduced(IPHONE), reduced("Mozilla/5.0 (compatible; Googlebot/2.1)")


@pytest.fixture
def known() -> None:
    """The dictionary, as scans have filled it."""
    with acting_as("resolver"), connection.cursor() as cursor:
        for agent in (PHONE, BOT):
            cursor.execute(
                "insert into resolver_scanagent (id, text, kind) values (%s, %s, %s)",
                [agent.id, agent.text, agent.kind.value],
            )


@pytest.fixture
def new_rules(monkeypatch: pytest.MonkeyPatch, known: None) -> None:
    """Rules under which phones are crawlers, and the bot is a library."""
    judged = {PHONE.text: AgentKind.CRAWLER, BOT.text: AgentKind.LIBRARY}
    monkeypatch.setattr(reclassification, "kind_of", judged.__getitem__)


def of(minted: Minted, traffic: TrafficClass, agent: int, **columns: Any) -> dict[str, Any]:
    known = {"brand_id": minted.batch.brand_id, "batch_id": minted.batch.id}
    return {
        **known,
        "scanned_at": this_hour(),
        "traffic": traffic.value,
        "agent_id": agent,
        "visitor": 7 if traffic is PERSON else None,
        **columns,
    }


def again(**options: Any) -> dict[tuple[TrafficClass, TrafficClass], int]:
    with all_brands():
        return dict(reclassify(day_ago(60).date(), **options))


def classes() -> list[TrafficClass]:
    return [TrafficClass(event.traffic) for event in events()]


def test_classes_that_agents_decided_change_and_the_figures_with_them(
    nordhav: BrandWorld, new_rules: None
):
    minted = mint(nordhav)
    write_scans(*[of(minted, PERSON, PHONE.id)] * 3, of(minted, CRAWLER, BOT.id))
    count_scans()
    count_open_days()
    assert set(days().values()) == {1}
    assert again() == {(PERSON, CRAWLER): 3, (CRAWLER, MACHINE): 1}
    assert sorted(classes()) == [CRAWLER] * 3 + [MACHINE]
    assert [row[3:6] for row in hours()] == [(CRAWLER, "", 3), (MACHINE, "", 1)]
    assert days() == {}
    with acting_as("worker"):
        kinds = dict(ScanAgent.objects.values_list("id", "kind"))
    assert kinds == {PHONE.id: AgentKind.CRAWLER, BOT.id: AgentKind.LIBRARY}


def test_a_second_run_finds_nothing_left(nordhav: BrandWorld, new_rules: None):
    write_scans(of(mint(nordhav), PERSON, PHONE.id))
    assert again()
    assert again() == {}


def test_classes_that_something_else_may_have_decided_stay(nordhav: BrandWorld, new_rules: None):
    minted = mint(nordhav)
    kept = [MACHINE, TrafficClass.PREFETCH]
    write_scans(*[of(minted, traffic, PHONE.id) for traffic in kept])
    write_scans(of(minted, PERSON, agent=None))
    assert again() == {}
    assert sorted(classes()) == sorted([PERSON, *kept])


def test_the_rules_as_they_are_change_nothing(nordhav: BrandWorld, known: None):
    minted = mint(nordhav)
    write_scans(of(minted, PERSON, PHONE.id), of(minted, CRAWLER, BOT.id))
    assert OF_KIND[kind_of(BOT.text)] is CRAWLER
    assert again() == {}


def test_a_dry_run_says_the_same_and_changes_nothing(nordhav: BrandWorld, new_rules: None):
    write_scans(*[of(mint(nordhav), PERSON, PHONE.id)] * 2)
    assert again(dry_run=True) == {(PERSON, CRAWLER): 2}
    assert classes() == [PERSON] * 2
    assert again() == {(PERSON, CRAWLER): 2}


def test_only_the_brand_and_the_days_named_change(
    nordhav: BrandWorld, strangers: BrandWorld, new_rules: None
):
    make_day(day_ago(3))
    ours, theirs = mint(nordhav), mint(strangers)
    write_scans(of(ours, PERSON, PHONE.id), of(theirs, PERSON, PHONE.id))
    write_scans(of(ours, PERSON, PHONE.id, scanned_at=day_ago(3)))
    with all_brands():
        assert reclassify(day_ago(2).date(), brand=nordhav.brand.id).total() == 1
    changed = [event for event in events() if event.traffic == CRAWLER]
    assert [(one.brand_id, one.scanned_at) for one in changed] == [(nordhav.brand.id, this_hour())]


def test_a_day_that_its_brand_keeps_no_longer_is_left_as_it_was_counted(
    nordhav: BrandWorld, new_rules: None
):
    make_day(day_ago(5))
    with acting_as("web"), brand_scope(nordhav.brand.id):
        ScanPolicy.objects.create(brand=nordhav.brand, retention_days=3)
    write_scans(of(mint(nordhav), PERSON, PHONE.id, scanned_at=day_ago(5)))
    count_scans()
    before = hours()
    assert again() == {}
    assert hours() == before


def test_a_run_that_dies_leaves_figures_of_the_events_and_the_next_goes_on(
    nordhav: BrandWorld, new_rules: None, monkeypatch: pytest.MonkeyPatch
):
    minted = mint(nordhav)
    moments = [day_ago(1) + timedelta(hours=hour) for hour in (1, 2, 3)]
    write_scans(*[of(minted, PERSON, PHONE.id, scanned_at=moment) for moment in moments])
    count_scans()
    with monkeypatch.context() as patched:
        real, calls = reclassification.count_days, iter(range(9))

        def dying(*given: Any) -> None:
            if next(calls) == 1:
                raise KeyboardInterrupt
            real(*given)

        patched.setattr(reclassification, "count_days", dying)
        with pytest.raises(KeyboardInterrupt):
            again()
    assert sorted(row[3] for row in hours()) == sorted(classes()) == [PERSON, PERSON, CRAWLER]
    assert again() == {(PERSON, CRAWLER): 2}
    assert {row[3] for row in hours()} == {CRAWLER}


def test_the_command_says_how_many_changed(nordhav: BrandWorld, new_rules: None, settings):
    settings.TIEBACK_PLANE = "worker"
    write_scans(*[of(mint(nordhav), PERSON, PHONE.id)] * 2)
    out = StringIO()
    call_command("reclassify_scans", "--since", str(day_ago(1).date()), "--dry-run", stdout=out)
    assert out.getvalue().split() == ["2", "person", "->", "crawler", "2", "would", "change"]
    call_command("reclassify_scans", "--since", str(day_ago(1).date()), stdout=StringIO())
    assert classes() == [CRAWLER] * 2


def test_the_command_needs_the_worker(settings):
    settings.TIEBACK_PLANE = "web"
    with pytest.raises(CommandError, match="TIEBACK_PLANE=worker"):
        call_command("reclassify_scans", "--since", "2026-11-01")


def test_a_brand_that_is_not_there_is_refused(settings):
    settings.TIEBACK_PLANE = "worker"
    with pytest.raises(CommandError, match="There is no brand"):
        call_command("reclassify_scans", "--since", "2026-11-01", "--brand", str(uuid4()))
