"""Hostile attachments: every file costs its limit and no more, and the next honest attachment is read.

No server is needed: the reading processes are the real ones, with the default limits of memory and smaller limits of
time.
"""

from __future__ import annotations

import asyncio
import http.server
import io
import os
import signal
import sys
import threading
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.indexer.extraction.extractor import ProcessExtractor
from services.indexer.extraction.port import Attachment, Budget, ExtractedText, ExtractionStatus, ExtractorUnavailable
from services.indexer.settings import ExtractionSettings
from tests.harness.compound_files import compound_of, msg_of
from tests.harness.documents import (
    docx_of,
    epub_of,
    odf_from,
    odt_of,
    pdf_from,
    pdf_of,
    pptx_of,
    rtf_of,
    xlsx_of,
    zip_of,
)
from tests.harness.waiting import until_true

BOUNDED = frozenset(ExtractionStatus) - {ExtractionStatus.OK}
SETTINGS = ExtractionSettings(seconds=30, cpu_seconds=4, characters=100_000)
_OPEN_XML_SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
MB = 1 << 20


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the PDF library is unpacked, once for all tests."""
    return tmp_path_factory.mktemp("extraction")


@pytest.fixture
async def extractor(library: Path) -> AsyncIterator[ProcessExtractor]:
    result = ProcessExtractor(SETTINGS, library)
    yield result
    await result.close()


async def read(extractor: ProcessExtractor, name: str, octets: bytes, budget: Budget | None = None) -> ExtractedText:
    attachment = Attachment("2", name, "application/octet-stream", "", lambda: iter(in_pieces(octets)))
    return await extractor.extract(attachment, budget or Budget(SETTINGS.characters, 100, 5, 100))


def in_pieces(octets: bytes) -> Iterator[bytes]:
    return (octets[start : start + 65536] for start in range(0, len(octets), 65536))


async def next_is_read(extractor: ProcessExtractor) -> None:
    """The honest attachment behind the hostile one."""
    assert (await read(extractor, "honest.docx", docx_of("walrus"))).text.strip() == "walrus"
    assert (await read(extractor, "honest.pdf", pdf_of(b"walrus"))).text.strip() == "walrus"


def bomb(size: int) -> bytes:
    """A DOCX whose document is one paragraph of so many octets."""
    start = f'<?xml version="1.0"?><w:document xmlns:w="{_OPEN_XML_SPACE}"><w:body><w:p><w:r><w:t>'
    buffer = io.BytesIO()
    archive = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("word/document.xml", "w") as entry:
        entry.write(start.encode())
        for _ in range(0, size, MB):
            entry.write(b"a" * MB)
        entry.write(b"</w:t></w:r></w:p></w:body></w:document>")
    return buffer.getvalue()


def nested_archives(depth: int) -> bytes:
    result = zip_of({"zeros": b"\0" * (10 * MB)})
    for _ in range(depth):
        result = zip_of({f"{index}.zip": result for index in range(10)})
    return result


def lying(document: bytes) -> bytes:
    """The same archive, whose directory and entries declare 10 octets for each entry."""
    result = bytearray(document)
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        entries = [entry.header_offset for entry in archive.infolist()]
        directory = archive.start_dir
    for offset in entries:
        result[offset + 22 : offset + 26] = (10).to_bytes(4, "little")
    while result[directory : directory + 4] == b"PK\x01\x02":
        result[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
        lengths = (int.from_bytes(result[directory + at : directory + at + 2], "little") for at in (28, 30, 32))
        directory += 46 + sum(lengths)
    return bytes(result)


def endless_pdf() -> bytes:
    """A stream that unpacks to a gigabyte of operators, twice compressed."""
    drawing = b"BT /F1 12 Tf (walrus) Tj ET\n" * (40 * MB // 28)
    packed = zlib.compress(zlib.compress(drawing * 4, 9), 9)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
    return pdf_from(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count 500>>" % (b"3 0 R " * 500),
        page,
        b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream" % (len(packed), packed),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


PDFS = {
    "pages that are their own children": pdf_from(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R 3 0 R]/Count 1000000000>>", b"3 0 R"
    ),
    "a length that is itself": pdf_from(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 3 0 R/Contents[3 0 R 4 0 R]/Resources 3 0 R/MediaBox 3 0 R>>",
        b"<</Length 4 0 R>>stream\nBT (a) Tj ET\nendstream",
    ),
    "deep arrays": pdf_from(b"<</Type/Catalog/Pages 2 0 R>>", b"[" * 300_000),
    "a form that draws itself": pdf_from(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
        b"<</Length 10>>stream\n/X Do /X Do\nendstream",
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>/Length 11>>stream\n"
        b"/X Do /X Do\nendstream",
    ),
    "a reference table that follows itself": b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer<</Size 1/Prev 9>>\n"
    b"startxref\n9\n%%EOF",
    "cut": pdf_of(b"walrus")[:200],
}


@pytest.mark.parametrize("name", list(PDFS))
async def test_broken_pdf(extractor: ProcessExtractor, name: str) -> None:
    assert len((await read(extractor, "a.pdf", PDFS[name])).text) < 1000
    await next_is_read(extractor)


async def test_endless_pdf(extractor: ProcessExtractor) -> None:
    result = await read(extractor, "a.pdf", endless_pdf())
    assert result.status in BOUNDED
    assert len(result.text) <= SETTINGS.characters
    await next_is_read(extractor)


ARCHIVES = {
    "one text of 150 MB": lambda: bomb(150 * MB),
    "a text larger than is kept": lambda: bomb(2 * MB),
    "archives within archives": lambda: nested_archives(3),
    "archives within a document": lambda: zip_of({"word/document.xml": nested_archives(2)}),
    "declared sizes that lie": lambda: lying(bomb(150 * MB)),
    "very many entries": lambda: zip_of({f"word/document{index}.xml": b"" for index in range(60_000)}),
    "entries that overlap": lambda: overlapping_entries(2000),
}


def overlapping_entries(count: int) -> bytes:
    """An archive whose directory names the same compressed octets again and again."""
    single = zip_of({"word/document.xml": b" " * (20 * MB)})
    with zipfile.ZipFile(io.BytesIO(single)) as archive:
        start = archive.start_dir
    size = int.from_bytes(single[-10:-6], "little")
    record, end = single[start : start + size], single[start + size :]
    total = end[:8] + count.to_bytes(2, "little") * 2 + (size * count).to_bytes(4, "little") + end[16:]
    return single[:start] + record * count + total


@pytest.mark.parametrize("name", list(ARCHIVES))
async def test_archive_bomb(extractor: ProcessExtractor, name: str) -> None:
    result = await read(extractor, "a.docx", ARCHIVES[name]())
    assert result.status in BOUNDED, result.status
    assert len(result.text) <= SETTINGS.characters
    await next_is_read(extractor)


DEEP = {
    "a.html": lambda: b"<div>" * 200_000 + b"walrus",
    "b.html": lambda: b"<address>" * 200_000,
    "b.docx": lambda: docx_of("", "<w:t" * 1_000_000),
    "c.docx": lambda: docx_of("", "<w:t>" + "<!--" * 500_000),
    "d.docx": lambda: docx_of("", "<" + "t" * 4_000_000),
    "e.docx": lambda: docx_of("", "<w:t>" + "&" * 2_000_000),
    "f.docx": lambda: docx_of("", "<w:t a='" * 500_000),
    "c.html": lambda: b"<" * 5_000_000,
    "a.xml": lambda: b"<?xml version='1.0'?>" + b"<a b='c'>" * 200_000,
    "a.epub": lambda: epub_of("<div>" * 30_000 + "walrus" + "</div>" * 30_000),
    "a.docx": lambda: docx_of("", f'<w:document xmlns:w="{_OPEN_XML_SPACE}">' + "<w:tbl><w:tr><w:tc>" * 100_000),
    "a.odt": lambda: odf_from("text", "<office:text>" + "<text:section>" * 200_000),
    "a.odp": lambda: odf_from("presentation", "<office:presentation>" + "<draw:g>" * 200_000),
    "a.rtf": lambda: rtf_of(b"{" * 3_000_000),
    "a.json": lambda: b"[" * 5_000_000,
}


@pytest.mark.parametrize("name", list(DEEP))
async def test_deep_nesting(extractor: ProcessExtractor, name: str) -> None:
    assert len((await read(extractor, name, DEEP[name]())).text) <= SETTINGS.characters
    await next_is_read(extractor)


def nested_mails(depth: int) -> bytes:
    """Mails that are attached as files to each other."""
    start = b'Content-Type: multipart/mixed; boundary="%d"\r\nSubject: walrus%d\r\n\r\n--%d\r\n'
    part = b'Content-Type: application/octet-stream; name="a.eml"\r\n\r\n'
    return b"".join(start % (level, level, level) + part for level in range(depth)) + b"Subject: last\r\n\r\nend\r\n"


async def test_ten_thousand_nested_mails(extractor: ProcessExtractor) -> None:
    result = await read(extractor, "a.eml", nested_mails(10_000))
    assert result.status is ExtractionStatus.LIMIT
    assert "walrus0" in result.text  # What was read before the limit is kept.
    assert "walrus9999" not in result.text
    await next_is_read(extractor)


async def test_ten_thousand_nested_messages(extractor: ProcessExtractor) -> None:
    result = await read(extractor, "a.eml", b"Content-Type: message/rfc822\r\n\r\n" * 10_000 + b"Subject: x\r\n\r\nend")
    assert len(result.text) <= SETTINGS.characters
    await next_is_read(extractor)


async def test_nested_files_share_the_budget_of_the_mail(extractor: ProcessExtractor) -> None:
    part = b'--x\r\nContent-Type: application/octet-stream; name="a.txt"\r\n\r\nwalrus\r\n'
    mail = b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + part * 50 + b"--x--\r\n"
    budget = Budget(SETTINGS.characters, parts=11, depth=5, seconds=60)
    result = await read(extractor, "a.eml", mail, budget)
    assert (result.status, budget.parts) == (ExtractionStatus.LIMIT, 0)
    assert result.text.count("walrus") == 10
    assert budget.exhausted


class _Watched(http.server.BaseHTTPRequestHandler):
    seen: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def web() -> Iterator[str]:
    """A web server that must see no request."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Watched)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    assert _Watched.seen == []


def xml_bomb() -> str:
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 12))
    return f'<!DOCTYPE x [<!ENTITY e0 "walrus">{entities}]>'


@pytest.mark.parametrize("form", ["docx", "odt", "odp", "xlsx", "epub", "xml", "svg"])
async def test_entities_are_neither_expanded_nor_fetched(
    extractor: ProcessExtractor, tmp_path: Path, web: str, form: str
) -> None:
    secret = tmp_path / "blob"
    secret.write_text("private-words")
    remote = f'<!DOCTYPE x [<!ENTITY e11 SYSTEM "{web}/entity"><!ENTITY f SYSTEM "file://{secret}">]>'
    for declaration in (xml_bomb(), remote, f'<!DOCTYPE x SYSTEM "{web}/dtd">'):
        result = await read(extractor, f"a.{form}", entity_document(form, declaration))
        assert len(result.text) <= SETTINGS.characters
        assert "private-words" not in result.text
    await next_is_read(extractor)


def entity_document(form: str, declaration: str) -> bytes:
    references = "&e11; &f;"
    documents = {
        "docx": lambda: docx_of(
            "",
            f'<?xml version="1.0"?>{declaration}<w:document xmlns:w="{_OPEN_XML_SPACE}"><w:body><w:p><w:r><w:t>'
            f"{references}</w:t></w:r></w:p></w:body></w:document>",
        ),
        "odt": lambda: odt_of(references),
        "odp": lambda: odf_from("presentation", f"<office:presentation><text:p>{references}</text:p>"),
        "xlsx": lambda: xlsx_of([[references]]),
        "epub": lambda: epub_of(f"<p>{references}</p>"),
        "xml": lambda: f'<?xml version="1.0"?>{declaration}<a>{references}</a>'.encode(),
        "svg": lambda: f'<?xml version="1.0"?>{declaration}<svg><text>{references}</text></svg>'.encode(),
    }
    result = documents[form]()
    return declared(result, declaration) if result.startswith(b"PK") and form != "docx" else result


def declared(document: bytes, declaration: str) -> bytes:
    """The same archive with this declaration in each of its XML files."""
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    head = b"?>"
    return zip_of(
        {
            name: content.replace(head, head + declaration.encode(), 1) if content.startswith(b"<?xml") else content
            for name, content in files.items()
        }
    )


async def test_remote_references_are_not_fetched(extractor: ProcessExtractor, web: str) -> None:
    page = f'<img src="{web}/img"><link href="{web}/css"><script src="{web}/js"></script>walrus'.encode()
    action = f"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/URI/URI({web}/pdf)>>>>".encode()
    assert "walrus" in (await read(extractor, "a.html", page)).text
    await read(extractor, "a.pdf", pdf_from(action, b"<</Type/Pages/Kids[]/Count 0>>"))
    await read(extractor, "a.rtf", rtf_of(f'{{\\field{{\\*\\fldinst INCLUDEPICTURE "{web}/rtf"}}}}'.encode()))
    await next_is_read(extractor)


def scripted(library: Path, script: str, settings: ExtractionSettings = SETTINGS, before: str = "") -> ProcessExtractor:
    """An extractor whose processes run the real launcher, and this script in place of reading.

    `before` runs before the process is confined.
    """
    real = "services.indexer.extraction.child"
    start = (
        f"import sys; sys.argv[1:] = [{str(Path(__file__).parents[2])!r}, '{settings.memory_mb}', "
        f"'{settings.cpu_seconds}']; sys.path.insert(0, sys.argv[1]); import {real}.reading as reading\n"
        f"def read(self, kind, charset, octets):\n"
        f"    if b'honest' in octets:\n        return self._give_all(['honest'])\n"
        + "".join(f"    {line}\n" for line in script.splitlines())
        + f"reading.FileReading.read = read\n{before}\nfrom {real}.launcher import main\n"
        "main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))\n"
    )
    return ProcessExtractor(settings, library, (sys.executable, "-I", "-B", "-c", start))


async def outcome(library: Path, script: str, settings: ExtractionSettings = SETTINGS) -> ExtractedText:
    """What becomes of a file that makes the process do this; the next file is read."""
    extractor = scripted(library, script, settings)
    try:
        result = await read(extractor, "a.txt", b"hostile")
        assert (await read(extractor, "b.txt", b"honest")).text == "honest"
    finally:
        await extractor.close()
    return result


async def test_memory_is_limited(library: Path) -> None:
    for script in (
        "x = bytearray(10 << 30)",
        "import mmap; m = mmap.mmap(-1, 10 << 30); m[::4096]",
        "x = []\nwhile True:\n    x.append(bytearray(1 << 20))",
    ):
        assert (await outcome(library, script)).status in (ExtractionStatus.LIMIT, ExtractionStatus.FAILED)


async def test_cpu_time_is_limited(library: Path) -> None:
    settings = ExtractionSettings(seconds=60, cpu_seconds=1)
    result = await outcome(library, "self._give_all(['first'])\nwhile True:\n    pass", settings)
    assert (result.status, result.text) == (ExtractionStatus.LIMIT, "first")
    assert "CPU" in result.detail


async def test_time_is_limited(library: Path) -> None:
    settings = ExtractionSettings(seconds=1)
    result = await outcome(library, "self._give_all(['first'])\nimport time; time.sleep(1000)", settings)
    assert (result.status, result.text) == (ExtractionStatus.TIMEOUT, "first")


async def test_output_is_limited(library: Path) -> None:
    result = await outcome(library, "while True:\n    self._give('a' * 10000)")
    assert result.status is ExtractionStatus.LIMIT
    assert len(result.text) <= SETTINGS.characters * 5 + MB
    noise = "import os\nprint('noise', flush=True)\nfor _ in range(2000): os.write(2, b'noise' * 1000)\n"
    result = await outcome(library, noise + "self._give_all(['read'])")
    assert (result.status, result.text) == (ExtractionStatus.OK, "read")


async def test_an_answer_that_is_none(library: Path) -> None:
    script = "import os, time, services.indexer.extraction.child.worker as w\nos.write(w._OUTPUT, b'junk' * 100)"
    result = await outcome(library, script + "\ntime.sleep(1000)")
    assert result.status is ExtractionStatus.CRASHED


async def test_a_process_that_dies(library: Path) -> None:
    for script in (
        "import os; os._exit(3)",
        "import os, signal; signal.raise_signal(signal.SIGSEGV)",
        "import os; os.abort()",
        "raise KeyboardInterrupt",
    ):
        result = await outcome(library, "self._give_all(['first'])\n" + script)
        assert (result.status, result.text) == (ExtractionStatus.CRASHED, "first")
        assert result.detail


async def test_a_descendant_that_holds_the_pipes(library: Path, tmp_path: Path) -> None:
    """It is started in place of the process, because the process may start nothing once it is confined."""
    held = tmp_path / "held"
    extractor = scripted(library, "import os; os._exit(1)")
    real = extractor._command  # The same command, behind a shell that leaves something behind.
    extractor._command = ("/bin/sh", "-c", f'sleep 1000 & echo $! >{held}; exec "$@"', "sh", *real)
    try:
        result = await read(extractor, "a.txt", b"hostile")
        assert result.status is ExtractionStatus.CRASHED
        descendant = int(held.read_text())
        await until_true(lambda: not alive(descendant))
        assert (await read(extractor, "b.txt", b"honest")).text == "honest"
    finally:
        await extractor.close()


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def test_a_process_killed_from_outside(library: Path) -> None:
    extractor = scripted(library, "self._give_all(['first'])\nimport time; time.sleep(1000)")
    try:
        reading = asyncio.ensure_future(read(extractor, "a.txt", b"hostile"))
        await until_true(lambda: bool(extractor.running))
        await asyncio.sleep(1)
        os.killpg(extractor.running[0], signal.SIGKILL)
        assert (await reading).status is ExtractionStatus.CRASHED
        assert (await read(extractor, "b.txt", b"honest")).text == "honest"
    finally:
        await extractor.close()


async def test_cancelling_ends_the_process(library: Path) -> None:
    extractor = scripted(library, "import time; time.sleep(1000)")
    try:
        reading = asyncio.ensure_future(read(extractor, "a.txt", b"hostile"))
        await until_true(lambda: bool(extractor.running))
        pid = extractor.running[0]
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not alive(pid)
        assert (await read(extractor, "b.txt", b"honest")).text == "honest"
    finally:
        await extractor.close()


async def test_closing_is_no_verdict(library: Path) -> None:
    extractor = scripted(library, "import time; time.sleep(1000)")
    reading = asyncio.ensure_future(read(extractor, "a.txt", b"hostile"))
    await until_true(lambda: bool(extractor.running))
    await extractor.close()
    with pytest.raises(ExtractorUnavailable):
        await reading
    with pytest.raises(ExtractorUnavailable):
        await read(extractor, "b.txt", b"honest")


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.hostile.test_extraction import read, scripted
async def main():
    extractor = scripted(Path(sys.argv[1]), "import time\\nwhile True: pass")
    reading = asyncio.ensure_future(read(extractor, "a.txt", b"hostile"))
    while not extractor.running or extractor.confinement is None:
        await asyncio.sleep(0.05)
    print(extractor.running[0], flush=True)
    await reading
asyncio.run(main())
"""


async def test_a_process_dies_with_the_server(library: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(library), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert parent.stdout is not None
    lines = [await parent.stdout.readline() for _ in range(2)]
    child = next(int(line) for line in lines if line.strip().isdigit())
    assert alive(child)
    parent.kill()
    await until_true(lambda: not alive(child), seconds=3)  # Its limit of CPU time would end it later.
    await parent.wait()


FORBIDDEN = {
    "network": "import socket; s = socket.create_connection(('127.0.0.1', %d), 2); self._give_all(['done'])",
    "datagram": "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); self._give_all(['done'])",
    "file": "self._give_all([open(%r).read()])",
    "folder": "import os; self._give_all(os.listdir('/etc'))",
    "writing": "open('/tmp/mailfold-extraction-was-here', 'w').write('x'); self._give_all(['done'])",
    "program": "import os; os.execv('/bin/true', ['true'])",
    "child": "import os; os.fork(); self._give_all(['done'])",
    "signal": "import os, signal; os.kill(os.getppid(), 0); self._give_all(['done'])",
}


@pytest.mark.parametrize("deed", list(FORBIDDEN))
async def test_what_a_process_may_not_do(library: Path, tmp_path: Path, web: str, deed: str) -> None:
    secret = tmp_path / "blob"
    secret.write_text("private-words")
    script = FORBIDDEN[deed]
    if "%d" in script:
        script %= int(web.rpartition(":")[2])
    elif "%r" in script:
        script %= str(secret)
    result = await outcome(library, script)
    assert (result.status, result.text) == (ExtractionStatus.FAILED, ""), result
    assert "Error" in result.detail


NO_NAMESPACE = "import services.indexer.extraction.child.confinement as c\nc._NEW_NET = 1\n"
NO_FILTER = NO_NAMESPACE + "c.filter_calls = lambda libc: ''\n"
NO_LANDLOCK = NO_NAMESPACE + "c._VERSION = 77\n"


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        (NO_NAMESPACE, ("filter", True, True)),
        (NO_FILTER, ("landlock", True, False)),
        (NO_LANDLOCK, ("filter", False, True)),
    ],
    ids=["no namespace", "nor filter", "nor landlock"],
)
async def test_what_one_way_of_the_kernel_does_not_forbid_another_does(
    library: Path, web: str, before: str, kept: tuple[str, bool, bool]
) -> None:
    extractor = scripted(library, FORBIDDEN["network"] % int(web.rpartition(":")[2]), before=before)
    try:
        result = await read(extractor, "a.txt", b"hostile")
        assert (result.status, result.text) == (ExtractionStatus.FAILED, "")
        assert "PermissionError" in result.detail
        reported = extractor.confinement
        assert reported is not None
        assert (reported.network, bool(reported.files), bool(reported.calls)) == kept
    finally:
        await extractor.close()


async def test_a_process_inherits_nothing(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILFOLD_SECRET", "hidden")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        result = await outcome(
            library,
            "import os, stat\nself._give_all([' '.join(os.environ) + ' '])\n"
            "for fd in range(3, 48):\n    try:\n        mode = os.fstat(fd).st_mode\n"
            "        self._give_all([f'{fd}:{mode:o} '])\n"
            "    except OSError:\n        pass",
        )
    assert result.status is ExtractionStatus.OK
    assert "SECRET" not in result.text
    assert ":100000" not in result.text and ":140000" not in result.text  # No file, no socket.


COMPOUNDS = {
    "sectors that follow themselves": lambda octets: octets[:512] + bytes(len(octets) - 512),
    "a folder in itself": lambda octets: octets[:48] + b"\0" * 28 + octets[76:],
    "huge sectors": lambda octets: octets[:30] + b"\xff\xff" + octets[32:],
    "no sectors": lambda octets: octets[:30] + b"\0\0" + octets[32:],
    "cut": lambda octets: octets[:600],
    "a head": lambda octets: octets[:8],
}


@pytest.mark.parametrize("name", list(COMPOUNDS))
async def test_broken_compound_file(extractor: ProcessExtractor, name: str) -> None:
    for document in (msg_of("walrus", "tusk" * 10_000), compound_of({"WordDocument": b"", "1Table": b""})):
        assert (await read(extractor, "a.doc", COMPOUNDS[name](document))).status in BOUNDED
    await next_is_read(extractor)


async def test_more_octets_than_the_limit(library: Path) -> None:
    settings = ExtractionSettings(input_mb=1)
    extractor = ProcessExtractor(settings, library)
    try:
        large = pdf_of(b"walrus") + b"\n" * (2 * MB)
        assert (await read(extractor, "a.pdf", large)).status is ExtractionStatus.LIMIT
        text = await read(extractor, "a.txt", b"walrus " * (MB // 3))
        assert (text.status, text.text[:6]) == (ExtractionStatus.LIMIT, "walrus")
        await next_is_read(extractor)
    finally:
        await extractor.close()


async def test_a_damaged_document_does_not_stop_the_next(extractor: ProcessExtractor) -> None:
    for document in (pptx_of("walrus"), xlsx_of([["walrus"]]), odt_of("walrus"), pdf_of(b"walrus")):
        for cut in (10, len(document) // 2, len(document) - 20):
            damaged = document[:cut] + b"\xff" * 40 + document[cut + 40 :]
            assert (await read(extractor, "a", damaged)).status in set(ExtractionStatus)
    await next_is_read(extractor)
