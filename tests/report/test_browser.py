"""Real reports in headless Chromium, at the width of a desktop and of a phone."""

import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, PointSet, Problem, Unknown, fit
from pinnkit.equations.registry import find_problem
from pinnkit.report import Comparison, Report
from pinnkit.report.coefficients import coefficient_interval
from pinnkit.report.html import SECTIONS
from pinnkit.runs.decisions import Note
from pinnkit.runs.stop_reason import StopReason

from .browser import Browser, needs_browser
from .hostile import HOSTILE
from .synthetic import make_grid_fields, make_history, make_run

pytestmark = needs_browser
DESKTOP, PHONE = 1280, 390


def inverse():
    """The diffusivity of a rod from noisy temperatures."""
    rod = Box(x=(0.0, 1.0), t=(0.0, 1.0))
    rng = np.random.default_rng(0)
    x, t = rng.uniform(size=(2, 40))
    measured = np.exp(-0.1 * np.pi**2 * t) * np.sin(np.pi * x) + 0.01 * rng.standard_normal(40)
    return Problem(
        name="diffusivity",
        domain=rod,
        coefficients={"kappa": Unknown(0.5, positive=True)},
        conditions={
            "heat": Condition(lambda u, kappa: u.t - kappa * u.xx, on=rod.interior),
            "start": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=rod.start("t")),
            "ends": Condition(lambda u: u, on=rod.boundary("x")),
            "thermometer": Condition(
                lambda u, measured: u - measured, on=PointSet({"x": x, "t": t}, measured=measured)
            ),
        },
    )


def cube():
    """Poisson's equation over three coordinates."""
    box = Box(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0))
    wave = lambda x, y, z, sin: sin(np.pi * x) * sin(np.pi * y) * sin(2 * np.pi * z)
    return Problem(
        name="poisson_3d",
        domain=box,
        conditions={
            "pde": Condition(
                lambda u, x, y, z: u.xx + u.yy + u.zz + 6 * jnp.pi**2 * wave(x, y, z, jnp.sin), on=box.interior
            ),
            "walls": Condition(lambda u: u, on=box.boundary()),
        },
        reference=lambda x, y, z: wave(x, y, z, np.sin),
    )


QUICK = {"strategy": "ntk-adam", "steps": 60, "points": 200, "width": 12, "depth": 2, "constraints": "soft"}
RUNS = {
    "burgers": lambda: fit(
        find_problem("burgers"), strategy="adam", **{k: v for k, v in QUICK.items() if k != "strategy"}
    ),
    "wave_1d": lambda: fit(find_problem("wave_1d"), **QUICK),
    "poisson_2d": lambda: fit(find_problem("poisson_2d"), **{**QUICK, "strategy": "gauss-newton", "steps": 10}),
    "inverse": lambda: fit(inverse(), **{**QUICK, "strategy": "gauss-newton", "steps": 10}),
    "cube": lambda: fit(cube(), **QUICK),
}


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


def assert_fits(browser, page, width, sections):
    """No error, nothing fetched, nothing wider than the page, no empty section."""
    complaints, fetched = browser.open(page, width, mobile=width == PHONE)
    assert complaints == [] and fetched == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("window.innerWidth") == width
    outside = """[...document.querySelectorAll('body *')].filter(e => {
        const box = e.getBoundingClientRect();
        return box.width && box.right > innerWidth + 1 && !e.closest('.scroll');
    }).map(e => e.outerHTML.slice(0, 80))"""
    assert browser.evaluate(outside) == []
    for section in sections:
        assert browser.evaluate(f"document.getElementById({section!r}).getBoundingClientRect().height") > 30
    small = "[...document.querySelectorAll('svg')].filter(e => e.getBoundingClientRect().width < 200).length"
    assert browser.evaluate(small) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_a_report_fits_desk_and_phone(browser, name, tmp_path):
    solution = RUNS[name]()
    page = solution.report.save(tmp_path)
    for width in (DESKTOP, PHONE):
        assert_fits(browser, page, width, SECTIONS)
    if name == "inverse":
        text = browser.evaluate("document.getElementById('result').innerText")
        assert coefficient_interval(solution.summary, "kappa") in text


@pytest.mark.slow
def test_a_page_prints_two_pictures_abreast_on_at_most_six_sheets(browser, tmp_path):
    """The page of `wave_1d`, whose four conditions have as many panels of spectra."""
    names, snapshot = ("pde", "displacement", "velocity", "walls"), make_grid_fields(("x", "t"))
    page = Report(make_run(names=names, snapshot=snapshot, relative_l2={"u": 0.4})).save(tmp_path)
    browser.open(page, DESKTOP)
    sheets = browser.sheets()
    assert sheets <= 6
    browser.call("Emulation.setDeviceMetricsOverride", width=690, height=900, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    halves = (
        """[...document.querySelectorAll('#solution figure:not(.wide)')].map(e => e.getBoundingClientRect().left)"""
    )
    assert len({round(left) for left in browser.evaluate(halves)}) == 2
    browser.call("Emulation.setEmulatedMedia", media="", features=[])


def test_what_is_wider_than_a_phone_scrolls_with_a_sign(browser, tmp_path):
    page = Report(make_run(snapshot=make_grid_fields(("x", "t")))).save(tmp_path)
    browser.open(page, PHONE, mobile=True)
    hidden = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)"
    assert browser.evaluate(f"{hidden}.length") > 0
    shadows = f"{hidden}.every(e => getComputedStyle(e).backgroundImage.includes('radial-gradient'))"
    assert browser.evaluate(shadows)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_paper(browser, scheme, tmp_path):
    """Contrast of at least 4.5, as WCAG requires."""
    page = Report(make_run(relative_l2={"u": 0.4}, loss=1e-6, validation_loss=1e-3)).save(tmp_path)
    browser.open(page, DESKTOP, scheme=scheme)
    contrast = """(() => {
        const light = c => c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const paper = light(getComputedStyle(document.body).backgroundColor);
        return Math.min(...[...document.querySelectorAll('p, td, th, b, li, h1, h2, figcaption, svg text')].map(e => {
            const style = getComputedStyle(e);
            const ink = light(e.closest('svg') ? style.fill : style.color);
            return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        }));
    })()"""
    assert browser.evaluate(contrast) >= 4.5


def test_a_comparison_fits_desk_and_phone(browser, tmp_path):
    other = make_run(relative_l2={"u": 0.4}, strategy="adam")
    page = Comparison({"one": make_run(), "another with a long name": other}).save(tmp_path / "both.html")
    for width in (DESKTOP, PHONE):
        assert_fits(browser, page, width, ("result", "solutions", "course", "kernel", "settings", "interpretation"))


@pytest.mark.slow
def test_hostile_names_run_nothing(browser, tmp_path):
    """All names on one page: no dialog, no injected element, no overflow."""
    history = make_history(HOSTILE, fields=HOSTILE[:3])
    history.decisions.extend(map(Note, HOSTILE))
    run = make_run(
        history=history,
        snapshot=make_grid_fields(("x", "t"), tuple((name, 1) for name in HOSTILE[:3])),
        config={name: name for name in HOSTILE},
        problem=HOSTILE[0],
        device=HOSTILE[-1],
        stop_reason=StopReason.NOT_FINITE,
        stop_detail=HOSTILE[4],
        relative_l2=dict.fromkeys(HOSTILE[:3], 0.4),
        max_error=dict.fromkeys(HOSTILE[:3], 0.4),
    )
    page = Report(run).save(tmp_path)
    for width in (DESKTOP, PHONE):
        assert_fits(browser, page, width, SECTIONS)
    assert browser.evaluate("document.querySelectorAll('script, iframe, img, [onload], [onerror]').length") == 0
