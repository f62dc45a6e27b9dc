#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Looks at pages in headless Chromium, at desktop and phone width, in light and dark.

Usage: browser.py PAGE...    with SCREENSHOTS=PREFIX, screenshots too: PREFIX-PAGE-WIDTH-SCHEME.png
Prints as JSON, for each page and each of the four: what went to the console or was asked of any network, how
wide the page is, and what each plot has; "text" is what the page says, "beyond" how many cells of the tables
that fit a phone are beyond its edge all the same.
"""
import base64, json, os, subprocess, sys, tempfile, time

LIMIT = 90  # seconds for one answer: the machine may be busy

# What each plot has, as the browser has laid it out.
LOOK = """JSON.stringify({
  scroll: document.documentElement.scrollWidth,
  background: getComputedStyle(document.body).backgroundColor,
  scripts: document.scripts.length,
  handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(
    a => a.name.startsWith('on') || /^(src|href)$/.test(a.name) && !a.value.startsWith('data:'))).length,
  text: document.body.innerText,
  beyond: [...document.querySelectorAll('.stack td')].filter(
    e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length,
  plots: [...document.querySelectorAll('figure')].map(figure => {
    const shown = e => e.getBoundingClientRect().width > 0;
    const text = s => (figure.querySelector(s) || {}).textContent || '';
    const open = !figure.closest('details:not([open])');
    const marks = [...figure.querySelectorAll('svg path, svg rect')];
    return {
      title: text('figcaption'), x: text('.xlabel'), y: text('.ylabel'),
      x_marks: figure.querySelectorAll('.xs span').length,
      y_marks: figure.querySelectorAll('.ys span, .strips .name').length,
      overlaps: ['.xs span', '.ys span'].flatMap(labels => {
        const boxes = [...figure.querySelectorAll(labels)].filter(shown).map(e => [e.textContent, e.getBoundingClientRect()]);
        return boxes.flatMap(([a, r], i) => boxes.slice(i + 1).filter(([b, q]) =>
          r.left < q.right && q.left < r.right && r.top < q.bottom && q.top < r.bottom).map(([b]) => a + ' / ' + b));
      }),
      legend: [...figure.querySelectorAll('.legend li')].map(e => e.textContent),
      drawn: marks.filter(e => !e.closest('.legend') && !e.classList.contains('grid')).length,
      bad: marks.filter(e => /nan|inf/i.test(e.outerHTML)).length,
      open: open,
      seen: !open || shown(figure.querySelector('svg')) && figure.querySelector('svg').getBoundingClientRect().height >= 8,
    };
  }),
})"""


class Browser:
    """Chromium, spoken to in the DevTools protocol over a pair of pipes."""

    def __init__(self, profile):
        to_read, self.write = os.pipe()
        self.read, to_write = os.pipe()

        def pipes():  # it reads descriptor 3 and writes descriptor 4
            for old, new in ((os.dup(to_read), 3), (os.dup(to_write), 4)):
                os.dup2(old, new)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
             "--user-data-dir=" + profile],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number, self.buffer, self.events, self.session = 0, b"", [], None
        os.set_blocking(self.read, False)

    def message(self, end):
        while b"\0" not in self.buffer:
            try:
                some = os.read(self.read, 1 << 20)
                if not some:
                    sys.exit("browser.py: Chromium has ended")
                self.buffer += some
            except BlockingIOError:
                if time.monotonic() > end:
                    sys.exit("browser.py: Chromium does not answer")
                time.sleep(0.01)
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        end = time.monotonic() + LIMIT
        while True:
            answer = self.message(end)
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"browser.py: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        end = time.monotonic() + LIMIT
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.message(end))

    def open_tab(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Network", "Log", "Runtime":
            self.call(domain + ".enable")

    def look(self, path, width, scheme, prefix):
        url, name = "file://" + path, os.path.splitext(os.path.basename(path))[0]
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired")
        page = json.loads(self.call("Runtime.evaluate", expression=LOOK)["result"]["value"])
        if prefix:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            image = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                              clip={"x": 0, "y": 0, "width": width, "height": min(size["height"], 8000), "scale": 1})
            with open(f"{prefix}-{name}-{width}-{scheme}.png", "wb") as f:
                f.write(base64.b64decode(image["data"]))
        self.call("Runtime.evaluate", expression="0")  # what is still under way has come then
        said = [e["params"] for e in self.events if e.get("method") in
                ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
        asked = [e["params"]["request"]["url"] for e in self.events
                 if e.get("method") == "Network.requestWillBeSent"]
        page.update(name=name, width=width, scheme=scheme, console=said,
                    requests=[a for a in asked if a != url and not a.startswith("data:")])
        return page


def main():
    prefix = os.environ.get("SCREENSHOTS")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.open_tab()
            pages = [browser.look(os.path.realpath(page), width, scheme, prefix)
                     for page in sys.argv[1:] for width in (1280, 360) for scheme in ("light", "dark")]
        finally:
            browser.process.kill()
            browser.process.wait()
    json.dump(pages, sys.stdout)


main()
