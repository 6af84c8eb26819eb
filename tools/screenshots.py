"""Take the pictures in docs/pictures (`make screenshots`): every page of the first walk, in both languages and themes.

It starts two servers of its own in a temporary folder, one with demo data and one that is not set up yet, and works on
them as two people would. Dates and the month in codes are replaced in the pages, so that pictures differ only where
pages do. `tools/screenshots.py list sheet` takes the named pages only.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402 - comes with the PDF library
from playwright.sync_api import Browser, Page  # noqa: E402

from core.testing.browser import BrowserMissing, chromium  # noqa: E402
from tests.browser.desk import Desk, Watch  # noqa: E402
from tests.browser.server import DEMO_EMAIL, PASSWORD, Server, serving  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
LANGUAGES = {"en": "en-GB", "fr": "fr-FR"}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {1280: 800, 360: 740}
TALL = {"sheet": {1280: 1300, 360: 1500}, "conflict": {1280: 800, 360: 900}}
COLOURS = 200
MOST_BYTES = 3_000_000
SECOND = ("paul@comptoir.example", "Paul Leroy")
STEADY = """language => {
    const moment = {en: '12 Jan 2026, 09:30', fr: '12 janv. 2026, 09:30'}[language];
    const day = {en: '12 Jan 2026', fr: '12 janv. 2026'}[language];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        walk.currentNode.data = walk.currentNode.data
            .replace(/\\d{1,2}\\s[\\p{L}.]+\\s20\\d\\d,?\\s(à\\s)?\\d{1,2}:\\d\\d/gu, moment)
            .replace(/\\d\\d\\/\\d\\d\\/20\\d\\d \\d\\d:\\d\\d/g, '12/01/2026 09:30')
            .replace(/\\d{1,2}\\s[\\p{L}]+\\.?\\s20\\d\\d(?!,)/gu, day)
            .replace(/\\bCU\\d{4}-/g, 'CU2601-');
    }
    scrollTo(0, 0);
}"""


# -- the pages --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Studio:
    """What a picture is taken with."""

    desk: Desk
    colleague: Desk
    fresh: Server


def sign_in_page(studio: Studio) -> None:
    studio.desk.page.context.clear_cookies()
    studio.desk.go("/signin")


def set_up_page(studio: Studio) -> None:
    address = re.search(r"http\S+/setup\?token=\S+", studio.fresh.said())
    assert address, "the server without accounts did not say where to set it up"
    studio.desk.go(address.group())


def home_page(studio: Studio) -> None:
    studio.desk.go("/")


def list_page(studio: Studio) -> None:
    """Prospects of France, one of them just set to Contacted."""
    desk = studio.desk
    _no_baker(desk)
    desk.go("/thirdparties?view=prospects&f=country:is:FR&sort=name")
    never = desk.page.locator(".rows tbody tr", has=desk.page.locator("button.n[aria-pressed=true]"))
    name = never.locator("th a").first.inner_text()
    desk.by("button", "Set {name} to {status}", name=name, status=desk.say("Contacted")).click()
    desk.told(name)
    desk.page.mouse.move(0, 0)


def sheet_page(studio: Studio) -> None:
    """A prospect with a history that two people made."""
    desk = studio.desk
    path = _baker(desk)
    for who, status in ((desk, "tocall"), (studio.colleague, "progress"), (desk, "contacted")):
        who.post(f"{path}/status", field="contact_status", value=status)
    desk.go(path)


def form_page(studio: Studio) -> None:
    studio.desk.go("/thirdparties/new?role=prospect")
    studio.desk.by("textbox", "Name").fill("Boulangerie Martin")


def form_errors_page(studio: Studio) -> None:
    desk = studio.desk
    desk.go("/thirdparties/new?role=prospect")
    desk.unfold()
    desk.by("textbox", "Email").fill("lea.martin@")
    desk.by("textbox", "Town").fill("Lyon")
    desk.by("button", "Save").click()
    desk.by("alert", "There is a problem").wait_for()


def conflict_page(studio: Studio) -> None:
    desk = studio.desk
    path = _baker(desk)
    desk.go(f"{path}/edit")
    version = desk.page.locator("[name=version]").get_attribute("value") or ""
    theirs = {"name": "Boulangerie Martin", "town": "Villeurbanne", "phone": "+33199002233"}
    studio.colleague.post(f"{path}/edit", version=version, **theirs)
    desk.unfold()
    desk.by("textbox", "Town").fill("Caluire")
    desk.by("textbox", "Phone").fill("+33199004455")
    desk.by("button", "Save").click()
    desk.by("radio", "Keep mine").first.wait_for()


def modules_page(studio: Studio) -> None:
    studio.desk.go("/admin/modules")


def module_change_page(studio: Studio) -> None:
    studio.desk.go("/admin/modules/leads/disable")


def dictionaries_page(studio: Studio) -> None:
    studio.desk.go("/admin/dictionaries")


def numbering_page(studio: Studio) -> None:
    """The pattern of a series, with what it would give."""
    studio.desk.go("/numbering/1/edit")


def gaps_page(studio: Studio) -> None:
    """A gap that a deleted company left."""
    desk = studio.desk
    first, last = (desk.create(name, role="prospect").path for name in ("Atelier Nord", "Atelier Sud"))
    desk.post(f"{first}/delete")
    desk.go("/numbering/1/gaps")
    desk.post(f"{last}/delete")


def _baker(desk: Desk) -> str:
    """The same company for every picture."""
    _no_baker(desk)
    return desk.create(
        "Boulangerie Martin", role="prospect", potential="high", town="Lyon", country="FR", phone="+33199001122",
        email="contact@boulangerie-martin.example", website="www.boulangerie-martin.example",
    ).path  # fmt: skip


def _no_baker(desk: Desk) -> None:
    """Delete the one of an earlier picture."""
    desk.go("/thirdparties?q=Boulangerie+Martin")
    for link in desk.page.locator(".rows tbody th a").all():
        desk.post(f"{link.get_attribute('href')}/delete")


PAGES: dict[str, tuple[str, Callable[[Studio], None]]] = {
    "home": ("The first page", home_page),
    "list": ("A list: filters, one-click statuses, undo", list_page),
    "sheet": ("A record and its history", sheet_page),
    "form": ("A new prospect", form_page),
    "form-errors": ("A form with errors", form_errors_page),
    "conflict": ("Two people changed one record", conflict_page),
    "modules": ("The modules", modules_page),
    "module-change": ("What switching a module off does", module_change_page),
    "dictionaries": ("The lists of values", dictionaries_page),
    "numbering": ("A numbering series", numbering_page),
    "numbering-gaps": ("The gaps of a series", gaps_page),
    "sign-in": ("Signing in", sign_in_page),
    "set-up": ("Setting up a new installation", set_up_page),
}


# -- the camera -------------------------------------------------------------------------------------------------------
@contextmanager
def tab(browser: Browser, server: Server, language: str, email: str) -> Iterator[Desk]:
    """A tab of somebody signed in; a fault in it ends the tool."""
    context = browser.new_context(
        base_url=server.url,
        locale=LANGUAGES[language],
        reduced_motion="reduce",
        viewport={"width": 1280, "height": 800},
    )
    watch = Watch()
    watch.over(context)
    page = context.new_page()
    page.goto("/signin")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/")
    yield Desk(page, language, watch)
    context.close()
    if watch.faults:
        raise SystemExit("\n".join(watch.faults))


def take(page: Page, name: str, language: str) -> None:
    """All sizes and themes of the page as it is."""
    page.evaluate("() => document.activeElement?.matches('[data-problem]') || document.activeElement?.blur()")
    for width, height in {**SIZES, **TALL.get(name, {})}.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.evaluate(STEADY, language)
            write(page.screenshot(), FOLDER / file_name(name, language, theme, width))
    page.set_viewport_size({"width": 1280, "height": 800})


def write(taken: bytes, file: Path) -> None:
    """As a small PNG: few colours, no dithering."""
    with Image.open(io.BytesIO(taken)) as picture:
        small = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(file, optimize=True)


def file_name(name: str, language: str, theme: str, width: int) -> str:
    return f"{name}-{language}-{theme}-{width}.png"


def write_readme() -> None:
    """A page that shows them all."""
    lines = [
        "# Pictures",
        "",
        "Made by `make screenshots` from demo data, which is fictitious; looked at by a person before each release.",
        "Dates and the month in codes are fixed, so that pictures differ only where pages do.",
    ]
    for name, (title, _show) in PAGES.items():
        lines += ["", f"## {title}", ""]
        for language in LANGUAGES:
            for width in SIZES:
                shown = [
                    f'<img src="{file_name(name, language, theme, width)}" width="{440 if width > 1000 else 220}" '
                    f'alt="{title}: {language}, {theme}, {width} px wide">'
                    for theme in THEMES
                ]
                lines.append(" ".join(shown))
            lines.append("")
        lines.pop()
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n", "utf-8")


def main(wanted: list[str]) -> int:
    """Take the wanted pictures, or all."""
    unknown = [name for name in wanted if name not in PAGES]
    if unknown:
        print(f"no such page: {', '.join(unknown)}; there are {', '.join(PAGES)}", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="comptoir-pictures-")))
            browser = stack.enter_context(chromium())
            server = stack.enter_context(serving(folder / "demo"))
            fresh = stack.enter_context(serving(folder / "fresh", demo=False))
            server.add_user(*SECOND)
            for language in LANGUAGES:
                with (
                    tab(browser, server, language, DEMO_EMAIL) as desk,
                    tab(browser, server, language, SECOND[0]) as other,
                ):
                    for name in wanted or PAGES:
                        PAGES[name][1](Studio(desk, other, fresh))
                        take(desk.page, name, language)
    except BrowserMissing as error:
        print(error, file=sys.stderr)
        return 2
    write_readme()
    size = sum(file.stat().st_size for file in FOLDER.glob("*.png"))
    print(f"{len(list(FOLDER.glob('*.png')))} pictures, {size / 1e6:.1f} MB, in {FOLDER.relative_to(ROOT)}")
    return 0 if size < MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
