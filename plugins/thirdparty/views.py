"""What of third parties is not generic: a vCard to download, a new address."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from core.api import attachment, policy, record_or_404, see, transaction
from plugins.thirdparty.models import ThirdParty
from plugins.thirdparty.services import add_address, vcard as make_vcard

blueprint = Blueprint("thirdparty", __name__, url_prefix="/thirdparties")


@blueprint.get("/<int:record_id>/vcard")
@policy("thirdparty.view")
def vcard(record_id: int) -> Response:
    """The third party as a file for an address book."""
    third_party = record_or_404(ThirdParty, record_id)
    return attachment(make_vcard(third_party), f"{third_party.code}.vcf", "text/vcard")


@blueprint.post("/<int:record_id>/addresses")
@policy("thirdparty.edit")
def address(record_id: int) -> Response:
    """One more address, typed in one line; `main`: a row for the one that so far stands in the fields only."""
    record_or_404(ThirdParty, record_id)
    toggles = {name: request.form.get(name) == "on" for name in ("billing", "delivery", "default")}
    text = None if "main" in request.form else request.form.get("text", "")
    with transaction("address.add") as unit:
        add_address(unit, unit.get(ThirdParty, record_id), text, **toggles)
    return see(url_for("records.sheet", entity="thirdparty", record_id=record_id), unit.operation)
