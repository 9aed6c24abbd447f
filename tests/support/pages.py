"""A page as a strict reader of HTML sees it."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import strategies as st

HOSTILE = (
    "<script>window.hacked=1</script>",
    "</title></style></script></svg></table><img src=x onerror=window.hacked=1>",
    "<!--",
    "]]>",
    '" onclick="window.hacked=1" x="',
    "' href='javascript:window.hacked=1",
    "&lt;b&gt;&#60;b&#62;",
    "\x00\x1b[31m\ud800\ufffe\u202e\u2066\u200b",
    "*",
    "\\",
)
any_text = st.one_of(
    st.text(max_size=40),
    st.sampled_from(HOSTILE),
    st.text("<>&\"'/=;-!# \n\t\x00\u202e\u05d0\u200bscript", max_size=40),
)
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Collects a page's elements and texts; asserts that every element is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.policies: list[str] = []
        self.scripts: list[str] = []
        self.places = ""
        self.links: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policies.append(str(dict(attrs)["content"]))
        self.attributes += attrs
        self.places = str(dict(attrs).get("data-places", "")) if tag == "table" else self.places
        if tag == "a":
            # as the script makes those that are none yet
            self.links.append(str(dict(attrs).get("href", self.places)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.scripts += [data] if self.open[-1] == "script" else []
        else:
            self.text += data
            if self.open[-1:] == ["a"]:
                self.links[-1] = self.links[-1].replace("*", data)
