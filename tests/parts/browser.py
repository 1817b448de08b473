"""Chromium, driven without a window."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

T = TypeVar("T")
_SECONDS = 60.0
_ARGUMENTS = ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1600,1200")


class Browser:
    """`with Browser() as browser: browser.open(url)`. Elements are named by CSS selectors."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in _ARGUMENTS:
            options.add_argument(argument)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        self.driver = webdriver.Chrome(
            options=options, service=webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        )

    @staticmethod
    def reason_missing() -> str | None:
        """None when browser and driver are installed."""
        if shutil.which("chromium") and shutil.which("chromedriver"):
            return None
        return "no Chromium (make parts, or apt install chromium chromium-driver)"

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.driver.quit()

    def open(self, url: str) -> None:
        """Open a page."""
        self.driver.get(url)

    def until(self, condition: Callable[[], T], what: str) -> T:
        """Wait for a condition that holds; returns its value. Raises TimeoutException."""
        return WebDriverWait(self.driver, _SECONDS, ignored_exceptions=[Exception]).until(
            lambda _: condition(), message=f"{what} at {self.driver.current_url}"
        )

    def element(self, selector: str) -> WebElement:
        """Wait for the first element that is shown."""
        return self.until(
            lambda: next((entry for entry in self.elements(selector) if entry.is_displayed()), None), selector
        )  # type: ignore[return-value]

    def elements(self, selector: str) -> list[WebElement]:
        """The elements that are there now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        """Click the first element that is shown, once it can be clicked."""

        def clicked() -> bool:
            self.element(selector).click()
            return True

        self.until(clicked, f"a click on {selector}")

    def fill(self, selector: str, text: str) -> None:
        """Replace the text of an input."""
        entry = self.element(selector)
        entry.clear()
        entry.send_keys(text)

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a list by its value."""
        Select(self.element(selector)).select_by_value(value)

    def enter(self, selector: str) -> None:
        """Show the page inside of a frame; `leave` shows the outer page again."""
        self.driver.switch_to.frame(self.element(selector))

    def leave(self) -> None:
        """Show the outer page."""
        self.driver.switch_to.default_content()

    def shows(self, text: str) -> None:
        """Wait until the page has a text."""
        self.until(lambda: text in self.element("body").text, f"the text {text!r}")

    def picture(self, file: Path) -> None:
        """Write a picture of the page."""
        self.driver.save_screenshot(str(file))
