"""Rich text: typed as plain text, kept as markup of one list (SECURITY 7.10; T08, T18, T19)."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings, strategies as st

from core.errors import Invalid
from core.fields import RichText
from core.fields.rich_text import ATTRIBUTES, MAXIMUM_SPAN, TAGS, clean_markup, plain
from tests.payloads import FORGING, MARKUP, MUTATING, RUNNING

KIND = RichText()
ALWAYS_ADDED = {"rel"}


class Reader(HTMLParser):
    """What a browser would find in markup, against the list."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.wrong += [] if tag in TAGS else [tag]
        for name, value in attrs:
            if name not in ATTRIBUTES.get(tag, set()) | ALWAYS_ADDED:
                self.wrong.append(f"{tag} {name}")
            if name == "href" and not (value or "").startswith(("https://", "mailto:", "tel:")):
                self.wrong.append(f"{tag} {value}")
            if name in ("colspan", "rowspan") and not 0 < int(value or 0) <= MAXIMUM_SPAN:
                self.wrong.append(f"{tag} {value}")

    def handle_comment(self, data: str) -> None:
        self.wrong.append("comment")

    def unknown_decl(self, data: str) -> None:
        self.wrong.append("declaration")


def test_samples() -> None:
    samples = KIND.samples()
    for typed, stored in samples.good.items():
        assert KIND.parse(typed) == stored
    for typed in samples.bad:
        with pytest.raises(Invalid):
            KIND.parse(typed)


@pytest.mark.parametrize("markup", MARKUP)
def test_nothing_but_what_the_list_names_is_kept(markup: str) -> None:
    kept = KIND.check(markup)
    assert Reader(kept).wrong == []
    assert plain(kept)


@pytest.mark.parametrize("markup", [*RUNNING, *FORGING, *MUTATING])
def test_cleaning_twice_changes_nothing(markup: str) -> None:
    once = clean_markup(markup)
    assert clean_markup(once) == once


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*MARKUP, "<", ">", "&", "\n", "<p>", "</p>", "<li>", "é", "https://a.test/b?c=1&d"])))
def test_any_mixture_too(parts: list[str]) -> None:
    once = clean_markup("".join(parts))
    assert Reader(once).wrong == []
    assert clean_markup(once) == once


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_any_typed_text_is_kept_as_it_reads_or_refused(raw: str) -> None:
    try:
        value = KIND.parse(raw)
    except Invalid:
        return
    if value is None:
        assert not raw.strip()
        return
    assert KIND.check(value) == value
    assert KIND.load(KIND.dump(value)) == value
    assert KIND.parse(KIND.edit_text(value)) == value


def test_what_was_typed_comes_back_to_the_form() -> None:
    typed = "Call Léa <b\n\nsee https://zinc.example/a?b=1&c=2"
    stored = KIND.parse(typed)
    assert stored is not None
    assert KIND.edit_text(stored) == typed
    assert KIND.text("<p>one<br>two</p><ul><li>three &amp; four</li></ul>") == "one\ntwo\nthree & four"
    markup = KIND.check("<ul><li>x</li></ul>")
    assert KIND.edit_text(markup) == markup
