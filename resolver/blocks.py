"""Groups the facts of a passport into blocks, in the order in which a page shows them. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from resolver.facts import Fact
from resolver.markup import block_html


@dataclass(frozen=True, slots=True)
class Block:
    """A heading and what stands under it, in the schema's order.

    ``has_places``: each fact can be led to, by the name of its field.
    """

    title: str
    facts: tuple[Fact, ...]
    has_places: bool = False

    @property
    def html(self) -> SafeString:
        """The heading, and the facts as a description list."""
        return block_html(self.title, self.facts, has_places=self.has_places)


# Read left to right, top to bottom, as the page shows them. A field that stands nowhere (a
# schema's new one) is shown in the first block rather than not at all.
_BLOCKS: tuple[tuple[Callable[[], str], str], ...] = (
    (
        lambda: gettext("Product"),
        (
            "product_type size colour weight_grams weight_kg commodity_code model_identifier"
            " battery_category model_identification unique_identifier fabric_construction"
        ),
    ),
    (
        lambda: gettext("Materials and composition"),
        (
            "fibre_composition animal_origin_parts materials chemistry detailed_composition"
            " critical_raw_materials hazardous_substances contains_substances_of_concern"
            " substances_of_concern contains_cadmium_or_lead heavy_metal_symbols"
            " recycled_content_evidence recycled_cobalt_percent recycled_lithium_percent"
            " recycled_nickel_percent recycled_lead_percent renewable_content_percent"
        ),
    ),
    (
        lambda: gettext("Origin and manufacture"),
        (
            "manufacturer_name manufacturer_address manufacturer_contact responsible_operator"
            " country_of_manufacture country_of_origin place_of_manufacture manufacturing_month"
            " facility_identifier due_diligence_report"
        ),
    ),
    (
        lambda: gettext("Use and care"),
        (
            "care_instructions expected_wash_cycles instructions_for_use repair_information"
            " spare_parts_years software_support_years charging_interface contains_battery"
            " battery_replacement commercial_warranty warranty_months component_part_numbers"
            " spare_part_sources dismantling_documents"
        ),
    ),
    (
        lambda: gettext("Performance and durability"),
        (
            "rated_power_w standby_power_w rated_capacity_ah minimum_voltage_v nominal_voltage_v"
            " maximum_voltage_v voltage_temperature_range original_power_w power_limits"
            " lifetime_in_cycles expected_cycles cycle_life_reference_test cycle_test_c_rate"
            " exhaustion_threshold_percent idle_temperature_range round_trip_efficiency_applies"
            " round_trip_efficiency_percent round_trip_efficiency_half_life_percent"
            " internal_resistance robustness_score repairability_score"
        ),
    ),
    (
        lambda: gettext("Environment"),
        (
            "carbon_footprint_kg carbon_footprint_declaration carbon_footprint_class"
            " environmental_footprint_score energy_label energy_class energy_register_number"
            " recyclability_score end_of_life waste_battery_information separate_collection_symbol"
        ),
    ),
    (
        lambda: gettext("Safety and conformity"),
        (
            "safety_information safety_measures extinguishing_agents certifications"
            " restricted_substances_declaration declaration_of_conformity test_reports"
        ),
    ),
)
#: Which block a field stands in, by their places.
PLACES = {name: at for at, (_, names) in enumerate(_BLOCKS) for name in names.split()}


def in_blocks(facts: Iterable[Fact], *, has_places: bool = False) -> tuple[Block, ...]:
    """Return the blocks that hold something, with their titles in the language in force."""
    grouped: dict[int, list[Fact]] = {}
    for fact in facts:
        grouped.setdefault(PLACES.get(fact.field, 0), []).append(fact)
    return tuple(Block(_BLOCKS[at][0](), tuple(grouped[at]), has_places) for at in sorted(grouped))
