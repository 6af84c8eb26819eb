"""What other plugins may import from third parties."""

from core.api import Likeness
from plugins.thirdparty.demo import companies as demo_companies
from plugins.thirdparty.models import ThirdParty
from plugins.thirdparty.services import find_alike, promote_to_customer

__all__ = ["Likeness", "ThirdParty", "demo_companies", "find_alike", "promote_to_customer"]
