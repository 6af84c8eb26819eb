"""Programs in child processes: limits that hold, nothing left behind, pictures that are only pictures (T65, SECURITY 7.13)."""

from __future__ import annotations

import io
import os
import socket
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from core.errors import ContractError
from core.exchange import child, images
from core.exchange.child import MEGABYTE, ChildFailed, Limits, run_child
from core.exchange.images import MAXIMUM_PIXELS, THUMBNAIL_SIDE
from core.features.file_store import FileStore
from core.features.files import KeptFile, keep_file

ORDINARY = Limits()
Program = Callable[[str], str]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """`program("code")`: its name, among the programs that may be run."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setattr(child, "PROGRAMS", folder)

    def write(code: str) -> str:
        (folder / "sample.py").write_text(textwrap.dedent(code), "utf-8")
        return "sample"

    return write


def run(name: str, *arguments: str, given: bytes = b"", limits: Limits = ORDINARY) -> bytes:
    with tempfile.TemporaryFile() as source:
        source.write(given)
        source.seek(0)
        return run_child(name, arguments, source, limits)


class TestLimits:
    def test_what_goes_in_and_what_comes_out(self, program: Program) -> None:
        name = program("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read() + sys.argv[1].encode())")
        assert run(name, "é; $(id)", given=b"in ") == "in é; $(id)".encode()

    def test_too_long(self, program: Program) -> None:
        began = time.monotonic()
        with pytest.raises(ChildFailed, match="took too long"):
            run(program("import time; time.sleep(60)"), limits=Limits(seconds=1))
        assert time.monotonic() - began < 30

    def test_too_much_memory(self, program: Program) -> None:
        with pytest.raises(ChildFailed, match="MemoryError"):
            run(program("b = bytearray(400 * 1024 * 1024)"), limits=Limits(memory=200 * MEGABYTE))

    def test_too_much_output(self, program: Program) -> None:
        with pytest.raises(ChildFailed):
            run(
                program("import sys\nfor _ in range(99): sys.stdout.buffer.write(b'x' * 99999)"),
                limits=Limits(output=MEGABYTE),
            )

    def test_a_crash_tells_its_last_words(self, program: Program) -> None:
        with pytest.raises(ChildFailed, match="ZeroDivisionError") as caught:
            run(program("1 / 0"))
        assert caught.value.code == 1
        with pytest.raises(ChildFailed) as killed:
            run(program("import os; os.kill(os.getpid(), 9)"))
        assert killed.value.code == -9

    def test_no_network_no_other_program_no_secret(self, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMPTOIR_SECRET_CANARY", "sparrow")
        with socket.create_server(("127.0.0.1", 0)) as server:
            code = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
            with pytest.raises(ChildFailed, match=r"PermissionError|unreachable|refused"):
                run(program(code))
        for code in (
            "import os; os.system('true')",
            "import subprocess; subprocess.run(['true'])",
            "import os; os.fork()",
        ):
            with pytest.raises(ChildFailed, match="PermissionError"):
                run(program(code))
        told = run(program("import os; print(sorted(os.environ.items()), os.getcwd())"))
        assert b"sparrow" not in told
        assert b"COMPTOIR" not in told

    @pytest.mark.landlock
    def test_no_file_but_its_own(self, program: Program, tmp_path: Path) -> None:
        secret = tmp_path / "secret.key"
        secret.write_text("canary")
        reading = f"print(open({str(secret)!r}).read())"
        raw = f"import os; print(os.read(os.open({str(secret)!r}, os.O_RDONLY), 9))"
        writing = f"open({str(tmp_path / 'made')!r}, 'w')"
        for code in (reading, raw, writing, "import os; os.listdir('/etc')", f"import os; os.unlink({str(secret)!r})"):
            with pytest.raises(ChildFailed, match="PermissionError") as caught:
                run(program(code))
            assert "canary" not in str(caught.value)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["programs", "secret.key"]
        assert run(program("import json, sysconfig, PIL.Image; print('still runs')")) == b"still runs\n"

    def test_nothing_is_left_behind(self, program: Program) -> None:
        code = "import os, sys, time; print(os.getpid(), file=sys.stderr, flush=True); time.sleep(60)"
        with pytest.raises(ChildFailed) as caught:
            run(program(code), limits=Limits(seconds=2))
        number = int(str(caught.value).split()[-1])
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)

    def test_it_ends_with_who_wants_its_result(self, program: Program) -> None:
        """The parent is killed: the child sees it and ends by itself."""
        import subprocess
        import sys

        program("import time; time.sleep(60)")
        code = (
            "import tempfile; from pathlib import Path; from core.exchange import child;"
            f"child.PROGRAMS = Path({str(child.PROGRAMS)!r});"
            "child.run_child('sample', (), tempfile.TemporaryFile())"
        )
        parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(child.__file__).parents[2])
        number = int(_appears(Path(f"/proc/{parent.pid}/task/{parent.pid}/children")).split()[0])
        parent.kill()
        parent.wait()
        for _try in range(100):
            if not _running(number):
                return
            time.sleep(0.1)
        pytest.fail("the child outlived its parent")

    @pytest.mark.parametrize("name", ["confine.py", "../confine", "no_such", "os;id", ""])
    def test_only_programs_of_ours(self, name: str) -> None:
        with pytest.raises(ContractError):
            run(name)


def _appears(file: Path) -> str:
    for _try in range(200):
        if file.exists() and file.read_text():
            return file.read_text()
        time.sleep(0.1)
    raise AssertionError(f"{file} did not appear")


def _running(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


# -- pictures -----------------------------------------------------------------------------------------------------
def picture(kind: str, size: tuple[int, int] = (400, 300), mode: str = "RGB", **options: object) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, "red").save(made, kind, **options)
    return made.getvalue()


def moving(kind: str) -> bytes:
    more = [Image.new("RGB", (40, 40), colour) for colour in ("blue", "green")]
    return picture(kind, (40, 40), save_all=True, append_images=more)


def thumbnail_of(folder: Path, content: bytes, name: str = "x") -> tuple[KeptFile, bytes | None]:
    store = FileStore(folder)
    kept = keep_file(store, io.BytesIO(content), name)
    made = images.thumbnail_of(store, kept.stored)
    return kept, store.path(made).read_bytes() if made else None


@pytest.mark.covers("TP-5c")
class TestThumbnails:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
    @pytest.mark.parametrize("mode", ["RGB", "L"])
    def test_small_and_made_anew(self, tmp_path: Path, kind: str, mode: str) -> None:
        _kept, made = thumbnail_of(tmp_path, picture(kind, (4000, 3000), mode))
        assert made is not None
        with Image.open(io.BytesIO(made)) as image:
            assert image.format == "WEBP"
            assert image.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE * 3 // 4)

    def test_see_through_stays_so(self, tmp_path: Path) -> None:
        content = io.BytesIO()
        Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(content, "PNG")
        _kept, made = thumbnail_of(tmp_path, content.getvalue())
        assert made is not None
        with Image.open(io.BytesIO(made)) as image:
            assert image.mode == "RGBA"

    def test_turned_as_the_camera_says_and_without_what_it_says(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010F] = "canary camera"
        _kept, made = thumbnail_of(tmp_path, picture("JPEG", (800, 400), exif=exif, comment=b"canary comment"))
        assert made is not None
        assert b"canary" not in made
        with Image.open(io.BytesIO(made)) as image:
            assert image.size == (THUMBNAIL_SIDE // 2, THUMBNAIL_SIDE)
            assert not image.getexif()
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Author", "canary")
        _kept, made = thumbnail_of(tmp_path, picture("PNG", pnginfo=notes))
        assert made is not None
        assert b"canary" not in made

    @pytest.mark.parametrize(
        "content",
        [
            picture("EPS"), picture("ICNS", (128, 128)), picture("TIFF"), picture("GIF"), picture("BMP"), moving("PNG"),
            moving("WEBP"), moving("GIF"), picture("PNG")[:200], picture("JPEG")[:300], picture("WEBP")[:60],
            b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 ", b"\x89PNG\r\n\x1a\n" + b"<script>" * 99,
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"", b"\0" * 64,
        ],
        ids=lambda content: repr(content[:12]),
    )  # fmt: skip
    def test_anything_else_gets_none_and_is_kept(self, tmp_path: Path, content: bytes) -> None:
        kept, made = thumbnail_of(tmp_path, content, "x.png")
        assert made is None
        assert FileStore(tmp_path).path(kept.stored).read_bytes() == content

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_far_too_many_pixels(self, tmp_path: Path, kind: str) -> None:
        side = int(MAXIMUM_PIXELS**0.5) + 1
        assert thumbnail_of(tmp_path, picture(kind, (side, side), "L"))[1] is None

    def test_many_at_once_wait_for_their_turn(self, tmp_path: Path) -> None:
        content = picture("PNG")
        made: list[bytes | None] = []
        threads = [threading.Thread(target=lambda: made.append(thumbnail_of(tmp_path, content)[1])) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 5
        assert all(made)

    def test_who_waits_for_a_turn_waits_not_for_ever(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(child, "TURN_SECONDS", 0.01)
        monkeypatch.setattr(child, "_turn", threading.BoundedSemaphore(1))
        with child._turn:
            assert thumbnail_of(tmp_path, picture("PNG"))[1] is None
        assert thumbnail_of(tmp_path, picture("PNG"))[1] is not None

    @pytest.mark.parametrize("answer", ["<svg onload=x>", "<!doctype html><script>", "GIF89a"])
    def test_what_comes_back_must_be_a_thumbnail(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
    ) -> None:
        """A picture that takes the program over does not choose what is served under our name."""
        taken_over = tmp_path / "programs"
        taken_over.mkdir()
        (taken_over / "thumbnail.py").write_text(f"import sys\nsys.stdout.write({answer!r} * 9)\n", "utf-8")
        monkeypatch.setattr(child, "PROGRAMS", taken_over)
        assert thumbnail_of(tmp_path / "files", picture("PNG"))[1] is None
