"""What a browser makes of hostile markup after it was cleaned: no script runs, and reading it again changes nothing."""

import html
import json
import re
import shutil
import subprocess

import pytest

from tests.text.test_hostile_html import CORPUS, cleaned

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium here"),
]

OPTIONS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --no-pings --virtual-time-budget=20000 --dump-dom"
).split()
NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND"
PAGE = """<!doctype html><meta charset="utf-8"><pre id="result"></pre>
<script>
const runs = {};
window.entries = ENTRIES;
window.note = number => { runs[number] = (runs[number] || 0) + 1; };
const start = number => {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-same-origin");
  frame.srcdoc = `<!doctype html><script>
    for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = () => parent.note(${number});
    addEventListener("load", () => {
      const again = document.createElement("div");
      again.append(document.createRange().createContextualFragment(parent.entries[${number}]));
      document.body.append(again);
      for (const element of document.querySelectorAll("*"))
        for (const type of ["click", "mouseover", "focus", "error", "load", "toggle", "animationstart"])
          element.dispatchEvent(new Event(type, {bubbles: true, cancelable: true}));
      for (const link of document.querySelectorAll("[href]"))
        if (/^\\\\s*javascript:/i.test(link.href)) link.click();
    });
  </` + `script>` + entries[number];
  document.body.append(frame);
};
entries.forEach((_, number) => start(number));
setTimeout(() => {
  const reread = entries.map(entry => {
    const body = document.implementation.createHTMLDocument("").body;
    body.innerHTML = entry;
    return body.innerHTML;
  });
  document.querySelectorAll("iframe").forEach(frame => frame.remove());
  document.getElementById("result").textContent = JSON.stringify({runs, reread});
}, 12000);
</script>"""


def browse(folder, entries):
    """Show entries in a browser; return how often each ran a script, by number, and how the browser writes each."""
    page = folder / "page.html"
    as_json = json.dumps(entries).replace("<", "\\u003c")
    page.write_text(PAGE.replace("ENTRIES", as_json, 1), encoding="utf-8")
    done = subprocess.run(
        [BROWSER, *OPTIONS, NO_NETWORK, f"--user-data-dir={folder}/profile", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={"HOME": str(folder)},
    )
    result = json.loads(html.unescape(re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)[1]))
    return result["runs"], result["reread"]


def test_no_script_runs_and_what_the_browser_writes_is_as_clean(tmp_path, record_property):
    entries = [cleaned(entry) for entry in CORPUS]
    runs, reread = browse(tmp_path, entries)
    assert {entries[int(number)]: count for number, count in runs.items()} == {}
    changed = [entry for entry, again in zip(entries, reread, strict=True) if cleaned(again) != entry]
    assert changed == []
    record_property("measured", f"0 script runs in {len(entries)} entries, {len(changed)} changed when read again")


def test_uncleaned_markup_runs_scripts_there(tmp_path, record_property):
    runs, _ = browse(tmp_path, CORPUS)
    assert len(runs) > 50
    record_property("control", f"uncleaned, {len(runs)} entries run scripts")
