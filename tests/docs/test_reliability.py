"""docs/reliability.md lists the scenarios that there are, with their sizes."""

from chaos.scenarios import SCENARIOS
from tests.docs.markdown import names_in, rows, text_of

SECTION = text_of("reliability.md").partition("## Scenarios")[2].partition("\n## ")[0]
LISTED = rows(SECTION, "scenario")


def test_every_scenario_is_described_with_its_sizes():
    described = {names_in(name)[0]: sizes for name, _, _, sizes in LISTED}
    assert described == {s.name: f"{s.small} / {s.default} / {s.full}" for s in SCENARIOS}


def test_scenarios_are_in_the_order_in_which_they_run():
    assert [names_in(row[0])[0] for row in LISTED] == [scenario.name for scenario in SCENARIOS]
