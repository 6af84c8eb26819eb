"""What other plugins may import from third parties."""

from plugins.thirdparty.demo import companies as demo_companies
from plugins.thirdparty.models import ThirdParty
from plugins.thirdparty.services import promote_to_customer

__all__ = ["ThirdParty", "demo_companies", "promote_to_customer"]
