pytest_plugins = ["tests.probe.fixtures"]
from core.data.unit import transaction
from core.data.migrations import compare
from plugins.thirdparty.models import ThirdParty
from tests.probe.models import *
def test_a(shop):
    with transaction("t", context=shop.context()) as u:
        u.add(Box(name="a"))
    with shop.runtime.database.reading() as s:
        print(compare(s.connection(), [m.__table__ for m in (Box,Label,Mark,Tally)]))
def test_b(shop):
    pass
