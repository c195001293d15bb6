"""The HTML report in a real browser, Chromium without a window."""

import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
axe_module = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed: pip install '.[dev]'"
)
pytest.importorskip("pygments", reason="pygments is not installed: pip install '.[report]'")
recorded_page = pytest.importorskip("recorded_page", reason="jinja2 is not installed: pip install '.[report]'")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CELL = "#scenario=tutorial&server=protocol%2Fasyncio&client=streams%2Fuvloop"
HOSTILE_CELL = "#scenario=hostile&server=streams%2Fasyncio&client=protocol%2Fasyncio"
BESIDE = "&server2=streams%2Fasyncio&client2=streams%2Fasyncio"
ALONE = "&server2=&client2="
PHONE = {"width": 375, "height": 800}


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(recorded_page.page(), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, address):
    """Opens the page at a fragment. What the console says, and requests but the one for the page, fail the test."""
    wrong: list[str] = []
    with contextlib.ExitStack() as stack:

        def open_at(fragment: str = "", **options):
            context = browser.new_context(reduced_motion="reduce", **options)
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", lambda message: wrong.append(message.text))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda request: wrong.append(request.url) if is_foreign(request.url, address) else None)
            page.on("dialog", lambda dialog: wrong.append(dialog.message))
            page.goto(address + fragment)
            return page

        yield open_at
    assert wrong == []


def is_foreign(url: str, address: str) -> bool:
    return not url.startswith((address, "data:"))


def cells_of(page) -> Iterator[tuple[str, str]]:
    """Name and link of each cell of the matrix that shows."""
    for link in page.locator(".matrix:visible .pairings a").all():
        yield link.inner_text(), link.get_attribute("href")


def test_the_page_opens_with_the_first_scenario(opened):
    page = opened()
    assert page.locator(".matrix:visible h3").inner_text() == "tutorial"
    assert page.locator("#scenario").input_value() == "tutorial"


@pytest.mark.parametrize("scenario", ["tutorial", "hostile", "full"])
def test_each_cell_opens_its_evidence(opened, scenario):
    page = opened(f"#scenario={scenario}")
    links = page.locator(".matrix:visible .pairings a")
    assert links.count() == {"tutorial": 16, "hostile": 4, "full": 3}[scenario]
    for place in range(links.count()):
        links.nth(place).click()
        spoken = re.match(r"server (\S+), client (\S+):", links.nth(place).text_content())
        title = f"Evidence: {scenario}, {spoken[1]} → {spoken[2]}"
        sync_api.expect(page.locator("#cell-title")).to_have_text(title)
        assert links.nth(place).get_attribute("aria-current") == "true"
        for part in (".verdicts .chip", ".command code", ".log li", ".diagram .event"):
            assert page.locator(f"#evidence {part}").count() > 0
        # What failed is not held against anything.
        assert page.locator("#evidence .diff").count() == (0 if "failed" in links.nth(place).inner_text() else 2)


def test_the_diagram_has_the_events_of_the_log(opened):
    page = opened(CELL + ALONE)
    lines = page.locator("#evidence .log li").all_inner_texts()
    told = [line.split("\n", 1)[-1].strip() for line in lines]
    events = [event.get_attribute("data-line") for event in page.locator(".diagram .event").all()]
    assert sorted(events) == sorted(told)
    assert page.locator(".diagram .flow").count() == 5
    assert page.locator(".diagram .end").count() == 2
    amounts = page.locator(".diagram .amount").all_text_contents()
    assert amounts == ["21 B", "16 B", "37 B", "9 B"]


def test_an_event_shows_its_line_under_the_pointer_and_on_focus(opened):
    page = opened(CELL + ALONE)
    events = page.locator(".diagram .event")
    for place, show in ((3, "hover"), (6, "focus")):
        getattr(events.nth(place), show)()
        line = events.nth(place).get_attribute("data-line")
        sync_api.expect(page.locator(".diagram .told")).to_have_text(line)
        assert line in page.locator(".log .lit").inner_text()


def test_the_reference_stands_next_to_a_cell_where_nothing_else_is_wanted(opened):
    page = opened(CELL)
    titles = page.locator(".diagram h4").all_inner_texts()
    assert titles == ["protocol/asyncio → streams/uvloop", "streams/asyncio → streams/asyncio"]
    page.get_by_label("Put next to it").select_option("nothing")
    assert page.locator(".diagram").count() == 1
    assert page.url.endswith(CELL + ALONE)


def test_two_pairings_stand_side_by_side(opened):
    page = opened(CELL + ALONE)
    page.get_by_label("Put next to it").select_option("streams/asyncio → streams/asyncio")
    titles = page.locator(".diagram h4").all_inner_texts()
    assert titles == ["protocol/asyncio → streams/uvloop", "streams/asyncio → streams/asyncio"]
    left, right = (page.locator(".diagram").nth(n).bounding_box() for n in (0, 1))
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]
    assert page.url.endswith(CELL + BESIDE)


def test_the_fragment_brings_the_view_back(opened):
    page = opened(CELL + BESIDE)
    assert page.locator("#cell-title").inner_text() == "Evidence: tutorial, protocol/asyncio → streams/uvloop"
    assert page.locator(".diagram").count() == 2
    page.locator(".overview a", has_text="hostile").click()
    sync_api.expect(page.locator(".matrix:visible h3")).to_have_text("hostile")
    page.go_back()
    sync_api.expect(page.locator(".matrix:visible h3")).to_have_text("tutorial")
    assert page.locator(".diagram").count() == 2


def test_the_switch_goes_through_the_scenarios(opened):
    page = opened()
    for expected in ("hostile", "full", "tutorial"):
        page.get_by_label("Next scenario").click()
        assert page.locator(".matrix:visible h3").inner_text() == expected
    page.get_by_label("Scenario", exact=True).select_option("hostile")
    assert page.url.endswith("#scenario=hostile")


def test_the_keyboard_alone_reaches_everything(opened):
    page = opened(CELL)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.evaluate("document.querySelector('.skip').focus()")
    wanted = "a[href], button, select, summary, [tabindex='0']"
    count = page.evaluate(f"[...document.querySelectorAll({wanted!r})].filter(e => e.checkVisibility()).length")
    reached = set()
    for _ in range(count):
        number = page.evaluate(f"[...document.querySelectorAll({wanted!r})].indexOf(document.activeElement)")
        reached.add(number)
        page.keyboard.press("Tab")
    assert len(reached - {-1}) == count


def test_a_cell_opens_with_the_keyboard_and_the_focus_follows(opened):
    page = opened()
    page.locator(".matrix:visible .pairings a").nth(5).focus()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#cell-title")).to_be_focused()
    page.locator(".diagram .event").nth(2).focus()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator(".log .lit")).to_be_focused()


def test_a_command_is_copied_with_one_click(opened):
    page = opened(CELL, permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("#evidence [data-copy]").first
    button.click()
    sync_api.expect(button).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#evidence .command code").first.inner_text()


@pytest.mark.parametrize("fragment", ["", CELL + BESIDE, HOSTILE_CELL], ids=["start", "two", "hostile"])
def test_nothing_scrolls_sideways_on_a_phone(opened, fragment):
    page = opened(fragment, viewport=PHONE)
    for details in page.locator("details").all():
        details.evaluate("element => element.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", [CELL + BESIDE, HOSTILE_CELL], ids=["tutorial", "hostile"])
def test_the_accessibility_audit_finds_no_violation(opened, scheme, fragment):
    page = opened(fragment, color_scheme=scheme)
    found = axe_module.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == []


def test_hostile_lines_show_as_themselves(opened):
    page = opened(HOSTILE_CELL)
    shown = page.locator("#evidence .log").first.inner_text()
    for line in recorded_page.HOSTILE:
        assert "".join(c if c.isprintable() else repr(c)[1:-1] for c in line) in shown
    assert page.locator("#evidence script, #evidence b:text('markup')").count() == 0
    assert json.loads(page.locator("#data").text_content())["scenarios"].keys() == {"tutorial", "hostile", "full"}
