"""What the tests ask of a page in a real browser."""

from __future__ import annotations

import pytest

from tools import browser, real_servers

# of each element with text of its own that is seen: its size, and its contrast with what is behind
# it (WCAG 2.2, "relative luminance", "contrast ratio")
TEXTS = """
(() => {
  const parts = (colour) => {
    const found = colour.match(/[\\d.]+/g).map(Number);
    return found.length === 4 ? found : [...found, 1];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) return colour;
    }
    return [255, 255, 255, 1];
  };
  const band = parts(getComputedStyle(document.querySelector(".legend i.host")).backgroundColor);
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const box = element.getBoundingClientRect();
    if (!own || element.closest("script,style,title") || !box.width || !box.height) continue;
    const style = getComputedStyle(element), drawn = element.closest("svg");
    const ink = parts(drawn ? style.fill : style.color);
    const backs = drawn ? [behind(drawn), band] : [behind(element)];
    found.push({text: element.textContent.slice(0, 40), pixels: parseFloat(style.fontSize),
      high: box.height, contrast: Math.min(...backs.map((back) => contrast(ink, back)))});
  }
  return found;
})()
"""


def need_browser() -> None:
    """Skip where there is none, with the reason; fail where it is required."""
    if why := browser.missing():
        (pytest.fail if real_servers.required() else pytest.skip)(why)
