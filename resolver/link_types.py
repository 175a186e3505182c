"""The link types of the GS1 Web Vocabulary: what a link says about the thing a code names. Pure.

Source: GS1 Web Vocabulary 1.16 of 1 August 2025 (``v1.16/gs1Voc.jsonld`` of gs1/WebVoc at commit
f8f407b): the properties below ``gs1:linkType``, each with its English label. The vocabulary keeps
what it has published, so a later version adds lines here and takes none away.
"""

from minting.catalogue.values import InvalidValue

VERSION = "1.16"
PREFIX = "gs1:"
NAMESPACE = "https://ref.gs1.org/voc/"
# The same vocabulary under addresses it had; the vocabulary itself calls them equivalent.
_NAMESPACES = (
    *(NAMESPACE, "https://gs1.org/voc/", "https://www.gs1.org/voc/"),
    *("http://gs1.org/voc/", "http://www.gs1.org/voc/"),
)

_LABELS = """
activityIdeas                Activity ideas
allergenInfo                 Allergen information
appDownload                  App download
backgroundInfo               Background information
brandHomepageClinical        Information for professionals about this brand
brandHomepagePatient         Information for patients about this brand
careersInfo                  Careers information
certificationInfo            Certification information
consumerHandlingStorageInfo  Consumer handling and storage information
defaultLink                  Default link
defaultLinkMulti             Default links by language and format
dpp                          Digital product passport
eifu                         Electronic instructions for use
epcis                        EPCIS repository
epil                         Electronic patient information leaflet
eventsInfo                   Events information
faqs                         Frequently asked questions
handledBy                    Handled by
hasRetailers                 Retailers
homepage                     Organisation information page
ingredientsInfo              Ingredients information
instructions                 Instructions
jws                          JSON web signature
leaveReview                  Leave a review
locationInfo                 Location information
logisticsInfo                Logistics information
loyaltyProgram               Loyalty programme
masterData                   Master data
menuInfo                     Menu information
nutritionalInfo              Nutritional information
openingHoursInfo             Opening hours information
paymentLink                  Make a payment
pip                          Product information page
productSustainabilityInfo    Sustainability and recycling (deprecated)
promotion                    Promotion
purchaseSuppliesOrAccessories  Purchase supplies or accessories
quickStartGuide              Quick start guide
recallStatus                 Recall status
recipeInfo                   Recipe website
registerProduct              Register purchase
registryEntry                Entry in a register
relatedImage                 Related image
relatedVideo                 Related video
reportFound                  Report found
review                       Reviews
safetyInfo                   Safety information
scheduleTime                 Scheduling and reservation
serviceInfo                  Service information
smartLabel                   SmartLabel
smpc                         Summary of product characteristics
socialMedia                  Social media
statisticInfo                Statistics
subscribe                    Subscribe
support                      Support
sustainabilityInfo           Sustainability and recycling
traceability                 Traceability information
tutorial                     Tutorial
userAgreement                Sign waiver, agreement or document
verificationService          Verification service
whatsInTheBox                What's in the box
"""

#: Every link type, as ``gs1:pip``, with its label for people.
LINK_TYPES: dict[str, str] = {
    PREFIX + name: label.strip()
    for name, _, label in (line.partition(" ") for line in _LABELS.strip().splitlines())
}

DEFAULT, DEFAULT_MULTI = "gs1:defaultLink", "gs1:defaultLinkMulti"
DPP, PIP = "gs1:dpp", "gs1:pip"
#: What a brand may not give a link: what the resolver says by itself, and what has been replaced.
RESOLVERS_OWN = frozenset({DEFAULT, DEFAULT_MULTI, "gs1:handledBy"})
REPLACED = {"gs1:productSustainabilityInfo": "gs1:sustainabilityInfo"}
STORED_LINK_TYPES: tuple[str, ...] = tuple(
    sorted(LINK_TYPES.keys() - RESOLVERS_OWN - REPLACED.keys())
)


def link_type_of(text: str) -> str:
    """Return a link type as ``gs1:pip``, whichever way it is written.

    Taken are ``gs1:pip``, ``pip`` and the full ``https://ref.gs1.org/voc/pip``, also under the
    vocabulary's older addresses. What names no link type is returned as it came.
    """
    name = text.removeprefix(PREFIX)
    for namespace in _NAMESPACES:
        name = name.removeprefix(namespace)
    return PREFIX + name if PREFIX + name in LINK_TYPES else text


def iri_of(link_type: str) -> str:
    """Return the full name of ``gs1:pip``."""
    return NAMESPACE + link_type.removeprefix(PREFIX)


def stored_link_type(text: str) -> str:
    """Return the link type a brand gives a link, as ``gs1:pip``. Raises ``InvalidValue``."""
    link_type = link_type_of(text.strip())
    if link_type in REPLACED:
        raise InvalidValue("INVALID_CHOICE", f"GS1 has replaced it: use {REPLACED[link_type]}.")
    if link_type in RESOLVERS_OWN:
        raise InvalidValue(
            "INVALID_CHOICE", "The resolver gives this one itself: set is_default instead."
        )
    if link_type not in LINK_TYPES:
        raise InvalidValue(
            "INVALID_CHOICE",
            f"Must be a link type of the GS1 Web Vocabulary {VERSION}, such as gs1:pip.",
        )
    return link_type
