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
  const key = document.querySelector(".legend i.host");
  const bands = key ? [parts(getComputedStyle(key).backgroundColor)] : [];
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const box = element.getBoundingClientRect();
    if (!own || element.closest("script,style,title") || !box.width || !box.height) continue;
    const style = getComputedStyle(element), drawn = element.closest("svg");
    const ink = parts(drawn ? style.fill : style.color);
    const backs = drawn ? [behind(drawn), ...bands] : [behind(element)];
    found.push({text: element.textContent.slice(0, 40), pixels: parseFloat(style.fontSize),
      high: box.height, contrast: Math.min(...backs.map((back) => contrast(ink, back)))});
  }
  return found;
})()
"""

# what a finger or a click is for, as far as it is seen: its size
TARGETS = """
[...document.querySelectorAll("a[href], button, summary, input")]
  .filter((each) => each.checkVisibility() &&
    getComputedStyle(each).pointerEvents !== "none" && !each.ownerSVGElement)
  .map((each) => [each, each.getBoundingClientRect()])
  .map(([each, {width, height}]) => ({text: each.textContent.slice(0, 40), width, height}))
"""
# the colours that pictures are of, each against what it is drawn on
DRAWN = """
(() => {
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const light = (colour) => {
    const long = colour.length === 4 ? colour.replace(/[^#]/g, "$&$&") : colour;
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(long.slice(at, at + 2), 16) / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return ["ok", "bad", "late", "quiet", "earlier", "raise", "link"].flatMap((ink) =>
    ["bg", "panel", "band"].map((back) => {
      const [high, low] = [light(style("--" + ink)), light(style("--" + back))]
        .sort((a, b) => b - a);
      return [ink, back, (high + 0.05) / (low + 0.05)];
    }));
})()
"""


def need_browser() -> None:
    """Skip where there is none, with the reason; fail where it is required."""
    if why := browser.missing():
        (pytest.fail if real_servers.required() else pytest.skip)(why)
