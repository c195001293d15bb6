"""The HTML report in a real browser, Chromium without a window."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
axe_module = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed: pip install '.[dev]'"
)
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


def test_the_page_opens_with_what_was_found(opened):
    page = opened(viewport={"width": 1280, "height": 800})
    lead, card = page.locator(".lead"), page.locator(".card").first
    assert lead.inner_text().startswith("Client protocol/asyncio fails or differs in 2 of 23 pairings")
    assert lead.bounding_box()["y"] < card.bounding_box()["y"] < 800
    assert "Choose a cell" in page.locator("#evidence").inner_text()


@pytest.mark.parametrize("scenario", ["hostile", "full"])
def test_each_cell_opens_its_evidence(opened, scenario):
    page = opened()
    cells = page.locator(f"tr[data-scenario={scenario}] td[aria-label]")
    assert cells.count() == {"hostile": 4, "full": 3}[scenario]
    for place in range(cells.count()):
        cells.nth(place).click()
        verdict, pairing = cells.nth(place).get_attribute("aria-label").split(": ")
        title = f"Evidence: {scenario}, {pairing.replace('->', '→')}"
        sync_api.expect(page.locator("#cell-title")).to_have_text(title)
        assert cells.nth(place).get_attribute("aria-current") == "true"
        for part in (".verdicts .chip", ".command code", ".log li", ".diagram .event"):
            assert page.locator(f"#evidence {part}").count() > 0
        # What failed is not held against anything.
        assert page.locator("#evidence .diff").count() == (0 if verdict == "failed" else 2)


def test_the_evidence_goes_when_another_scenario_is_chosen(opened):
    page = opened(CELL)
    page.locator("tr[data-scenario=hostile] th").click()
    sync_api.expect(page.locator("#cell-title")).to_have_text("Scenario hostile")
    assert page.locator("#evidence .log").count() == 0
    assert "lines that want to be <b>markup</b>".capitalize()[1:] in page.locator("#evidence").inner_text()


def test_the_first_cell_is_near_for_the_keyboard(opened):
    page = opened()
    pressed = ["Tab", "Tab", "Enter"]  # the second of the links that skip
    for key in pressed:
        page.keyboard.press(key)
    sync_api.expect(page.locator("#heat td[tabindex='0']")).to_be_focused()
    assert len(pressed) <= 10


def test_the_map_is_one_stop_and_the_arrow_keys_go_through_it(opened):
    page = opened()
    page.locator("#heat [tabindex='0']").focus()
    assert page.locator("#heat [tabindex='0']").count() == 1
    stands = "[document.activeElement.parentElement.dataset.scenario, document.activeElement.cellIndex]"
    order = [row.get_attribute("data-scenario") for row in page.locator("#heat tr[data-scenario]").all()]
    for key, expected in (
        ("ArrowRight", [order[0], 2]),
        ("ArrowDown", [order[1], 2]),
        ("Home", [order[1], 0]),
        ("ArrowUp", [order[0], 0]),
        ("Control+End", [order[-1], 16]),
        ("ArrowLeft", [order[-1], 15]),
    ):
        page.keyboard.press(key)
        assert page.evaluate(stands) == expected, key
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#cell-title")).to_be_focused()
    page.keyboard.press("Escape")
    assert page.evaluate(stands) == [order[-1], 15]
    assert page.locator("#heat [tabindex='0']").count() == 1


def test_a_search_and_filters_leave_the_scenarios_that_have_it(opened):
    page = opened()
    form = page.locator("#filters")

    def shown() -> set[str]:
        return {row.get_attribute("data-scenario") for row in page.locator("#heat tr[data-scenario]:visible").all()}

    for name, value, expected in (
        ("cause", "out-of-files", {"full"}),
        ("verdict", "failed", {"hostile"}),
        ("transport", "tcp", {"tutorial", "hostile", "full"}),
        ("kind", "0", {"tutorial", "hostile", "full"}),
    ):
        form.locator(f"select[name={name}]").select_option(value)
        assert shown() == expected, name
        form.locator(f"select[name={name}]").select_option("")
    form.locator("input").fill("three messages")
    assert shown() == {"tutorial"}
    assert page.locator("#found").inner_text() == "1 of 3"
    page.evaluate(f"location.hash = {HOSTILE_CELL!r}")
    sync_api.expect(page.locator("tr[data-scenario=hostile] [aria-current]")).to_be_visible()


def test_a_card_draws_code_and_timelines_when_it_is_opened(opened):
    page = opened()
    card = page.locator("#cause-eof-callback")
    assert card.locator(".diagram, pre").count() == 0
    card.locator("summary").click()
    titles = card.locator(".diagram h4")
    sync_api.expect(titles).to_have_text(["streams/asyncio → streams/asyncio", "protocol/asyncio → streams/asyncio"])
    boxes = [card.locator(".diagram").nth(n).bounding_box() for n in (0, 1)]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert "eof_received" in card.locator("pre").nth(1).inner_text()


def test_a_behaviour_opens_its_page(opened):
    page = opened()
    page.locator("#behaviour-filters select[name=differs]").select_option("Python")
    page.locator("#behaviour-filters input").fill("bytearray")
    page.locator("#behaviour-list a:visible").first.click()
    sync_api.expect(page.locator("#behaviour-title")).to_be_focused()
    assert page.locator("#behaviour pre").count() == 5  # two of each API, and what they use
    assert page.locator("#behaviour .places").count() == 2


def test_a_link_to_a_section_opens_it_and_wrapped_lines_keep_their_indent(opened):
    page = opened("#code-server-bytes-arrive", viewport=PHONE)
    lines = page.locator("#code-server-bytes-arrive .line")
    sync_api.expect(lines.first).to_be_visible()
    for line in lines.all():
        indent = len(line.inner_text()) - len(line.inner_text().lstrip(" "))
        assert line.evaluate("element => element.style.getPropertyValue('--indent')") == f"{indent + 4}ch"


def test_why_a_line_is_there_stands_below_it_where_that_is_wanted(opened):
    page = opened()
    page.get_by_role("button", name="Open all").click()
    note = page.locator("#code .note", has_text="without it").first
    sync_api.expect(note).to_be_hidden()
    button = page.get_by_role("button", name="Why each line is there")
    button.click()
    sync_api.expect(note).to_be_visible()
    sync_api.expect(button).to_have_attribute("aria-pressed", "true")


def test_before_anything_is_opened_the_page_is_small(opened, address):
    """What grows with the scenarios is a cell each, and with the endpoints, a cell for each pairing."""
    page = opened()
    nodes = page.evaluate("document.querySelectorAll('*').length")
    cells = page.locator("#heat td[aria-label]").count()
    rows = page.locator("#heat tr[data-scenario]").count()
    assert page.locator("#heat *").count() <= cells + 8 * rows + 60
    assert nodes < 1500
    assert page.locator("svg.bench, .diagram, pre").count() == 0


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
    titles = page.locator("#evidence .diagram h4").all_inner_texts()
    assert titles == ["protocol/asyncio → streams/uvloop", "streams/asyncio → streams/asyncio"]
    page.get_by_label("Put next to it").select_option("nothing")
    assert page.locator(".diagram").count() == 1
    assert page.url.endswith(CELL + ALONE)


def test_two_pairings_stand_side_by_side(opened):
    page = opened(CELL + ALONE)
    page.get_by_label("Put next to it").select_option("streams/asyncio → streams/asyncio")
    titles = page.locator("#evidence .diagram h4").all_inner_texts()
    assert titles == ["protocol/asyncio → streams/uvloop", "streams/asyncio → streams/asyncio"]
    left, right = (page.locator(".diagram").nth(n).bounding_box() for n in (0, 1))
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]
    assert page.url.endswith(CELL + BESIDE)


def test_the_fragment_brings_the_view_back(opened):
    page = opened(CELL + BESIDE)
    assert page.locator("#cell-title").inner_text() == "Evidence: tutorial, protocol/asyncio → streams/uvloop"
    assert page.locator("#evidence .diagram").count() == 2
    page.locator("#cause-eof-callback a", has_text="hostile").click()
    sync_api.expect(page.locator("#cell-title")).to_have_text("Scenario hostile")
    page.go_back()
    sync_api.expect(page.locator("#cell-title")).to_have_text("Evidence: tutorial, protocol/asyncio → streams/uvloop")
    assert page.locator("#evidence .diagram").count() == 2


def test_the_keyboard_alone_reaches_everything(opened):
    page = opened(CELL)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.evaluate("document.querySelector('.skip').focus()")
    wanted = "a[href], button, input, select, summary, [tabindex='0']"
    visible = f"[...document.querySelectorAll({wanted!r})].filter(e => e.checkVisibility())"
    count = page.evaluate(f"{visible}.length")
    reached = set()
    for _ in range(count):
        number = page.evaluate(f"{visible}.indexOf(document.activeElement)")
        reached.add(number)
        page.keyboard.press("Tab")
    missed = set(range(count)) - reached
    assert missed == set()


def test_the_arrow_keys_step_through_a_timeline(opened):
    page = opened(CELL + ALONE)
    events = page.locator(".diagram .event")
    assert page.locator(".diagram .event[tabindex='0']").count() == 1
    height = page.locator(".diagram").bounding_box()["height"]
    events.first.focus()
    for place in (1, 2):
        page.keyboard.press("ArrowDown")
        sync_api.expect(events.nth(place)).to_be_focused()
        assert page.locator(".diagram").bounding_box()["height"] == height
    page.keyboard.press("End")
    sync_api.expect(events.last).to_be_focused()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator(".log .lit")).to_be_focused()


def test_labels_are_whole_where_there_is_room_and_pauses_lie_beside_the_arrows(opened):
    page = opened(CELL + ALONE, viewport={"width": 1280, "height": 800})
    labels = page.locator(".diagram .event text:last-of-type").all_text_contents()
    assert "connecting to localhost port 10000" in labels
    assert not any("…" in label for label in labels)
    assert page.locator(".diagram .pause").count() > 0
    arrows = [box["x"] for box in (arrow.bounding_box() for arrow in page.locator(".flow, .diagram .end").all())]
    for pause in page.locator(".diagram .pause").all():
        box = pause.bounding_box()
        assert box["x"] + box["width"] < min(arrows)


def test_a_print_has_the_evidence_that_is_open(opened):
    page = opened(CELL)
    page.emulate_media(media="print")
    for part in ("#evidence .log", "#evidence .diagram", "#heat"):
        assert page.locator(part).first.is_visible()
    assert page.locator("#map").evaluate("map => map.scrollHeight <= map.clientHeight + 1")
    assert not page.locator("#filters").is_visible()


def test_a_command_is_copied_with_one_click(opened):
    page = opened(CELL, permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("#evidence [data-copy]").first
    button.click()
    sync_api.expect(button).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#evidence .command code").first.inner_text()


@pytest.mark.parametrize("fragment", [CELL + BESIDE, HOSTILE_CELL], ids=["two", "hostile"])
def test_nothing_scrolls_sideways(opened, fragment):
    page = opened(fragment, viewport=PHONE)
    for details in page.locator("details").all():
        details.evaluate("element => element.open = true")
    for width in (PHONE["width"], 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", [CELL + BESIDE, HOSTILE_CELL], ids=["tutorial", "hostile"])
def test_the_accessibility_audit_finds_no_violation(opened, scheme, fragment):
    page = opened(fragment, color_scheme=scheme)
    for details in page.locator("details").all():
        details.evaluate("element => element.open = true")
    sync_api.expect(page.locator("[data-code]:not([data-drawn])")).to_have_count(0)
    found = axe_module.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == []


def test_hostile_lines_show_as_themselves(opened):
    page = opened(HOSTILE_CELL)
    shown = page.locator("#evidence .log").first.inner_text()
    for line in recorded_page.HOSTILE:
        assert "".join(c if c.isprintable() else repr(c)[1:-1] for c in line) in shown
    assert page.locator("#evidence script, #evidence b:text('markup')").count() == 0
    assert json.loads(page.locator("#data").text_content())["scenarios"].keys() == {"tutorial", "hostile", "full"}
