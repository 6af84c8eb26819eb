"""Third parties: the companies and people we trade with."""

from core.api import Choice, Dictionary, Option, Plugin, Setting, lazy as _

ROLES = {"prospect": _("Prospect"), "customer": _("Customer"), "both": _("Both")}
LEGAL_FORMS = {
    "FR": "SARL|EURL|SA|SAS|SASU|SNC|SCI|SCP|SELARL|EI|GIE|Association",
    "DE": "GmbH|UG|AG|KG|OHG|GmbH & Co. KG|GbR|e.K.|e.V.|eG|PartG",
    "GB": "Ltd|PLC|LLP|LP|CIC|CIO|Partnership|Sole trader",
    "BE": "SRL|BV|SA|NV|SC|CV|SNC|VOF|SComm|ASBL|VZW",
    "ES": "SL|SLU|SA|SLL|S. Coop.|SC|CB|Autónomo|Fundación",
    "IT": "SRL|SRLS|SpA|SNC|SAS|SapA|Soc. coop.|Ditta individuale",
    "NL": "BV|NV|VOF|CV|Eenmanszaak|Maatschap|Coöperatie|Stichting|Vereniging",
    "CH": "SA|AG|Sàrl|GmbH|SNC|KG|Genossenschaft|Association|Verein|Stiftung|Raison individuelle",
    "US": "LLC|Inc.|Corp.|LP|LLP|PLLC|PC|Partnership|Sole proprietorship",
}  # fmt: skip
"""A short list for some countries, which administrators go on with (TP-3): codes as people write them, without points
where there are several ways. What several countries call alike is one form with these countries.
"""


def _legal_forms() -> tuple[Option, ...]:
    places: dict[str, list[str]] = {}
    for country, forms in LEGAL_FORMS.items():
        for form in forms.split("|"):
            places.setdefault(form, []).append(country)
    return tuple(Option(form, form, countries=tuple(sorted(countries))) for form, countries in places.items())


plugin = Plugin(
    name="thirdparty",
    label=_("Third parties"),
    version="0.1.0",
    hooks="plugins.thirdparty.hooks",
    category=_("Sales"),
    description=_("Prospects and customers: the register everything else points at."),
    icon="building",
    author="Comptoir",
    licence="MIT",
    settings=(Setting("default_role", Choice(ROLES), _("Role of a new third party"), default="prospect"),),
    dictionaries=(
        Dictionary(
            "contact_status",
            _("Contact status"),
            (
                Option("never", _("Never contacted"), "neutral"),
                Option("tocall", _("To contact"), "info"),
                Option("progress", _("Contact in progress"), "progress"),
                Option("contacted", _("Contacted"), "success"),
                Option("refused", _("Do not contact"), "danger"),
            ),
        ),
        Dictionary(
            "potential",
            _("Potential"),
            (
                Option("none", _("None"), "neutral"),
                Option("low", _("Low"), "info"),
                Option("medium", _("Medium"), "progress"),
                Option("high", _("High"), "success"),
            ),
        ),
        Dictionary(
            "company_type",
            _("Third-party type"),
            (
                Option("startup", _("Start-up")),
                Option("small", _("Small company")),
                Option("medium", _("Medium-sized company")),
                Option("large", _("Large company")),
                Option("public", _("Public body")),
                Option("association", _("Association")),
                Option("reseller", _("Reseller")),
                Option("person", _("Private person")),
                Option("other", _("Other")),
            ),
        ),
        Dictionary(
            "payment_terms",
            _("Payment terms"),
            (
                Option("receipt", _("Due on receipt")),
                Option("30days", _("30 days")),
                Option("30eom", _("30 days, end of month")),
                Option("60days", _("60 days")),
                Option("60eom", _("60 days, end of month")),
                Option("order", _("With the order")),
            ),
        ),
        Dictionary("legal_form", _("Legal form"), _legal_forms(), by_country=True),
    ),
)
