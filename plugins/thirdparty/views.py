"""The one page of third parties that is not generic: a vCard to download."""

from __future__ import annotations

from flask import Blueprint, Response

from core.api import attachment, policy, record_or_404
from plugins.thirdparty.models import ThirdParty
from plugins.thirdparty.services import vcard as make_vcard

blueprint = Blueprint("thirdparty", __name__, url_prefix="/thirdparties")


@blueprint.get("/<int:record_id>/vcard")
@policy("thirdparty.view")
def vcard(record_id: int) -> Response:
    """The third party as a file for an address book."""
    third_party = record_or_404(ThirdParty, record_id)
    return attachment(make_vcard(third_party), f"{third_party.code}.vcf", "text/vcard")
