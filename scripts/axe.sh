#!/usr/bin/env bash
# Brings axe-core, which judges whether a page can be used by everybody, from npm's registry into target/axe, and prints
# the path of its script. Only tests use it. Takes no time when it is there already.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=4.10.3
sha256=0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292
script="${CARGO_TARGET_DIR:-target}/axe/axe-$version.min.js"

if [[ ! -f "$script" ]]; then
    printf 'axe: bringing axe-core %s\n' "$version" >&2
    python3 - "$version" "$sha256" "$script" <<'PYTHON' || { printf 'axe: axe-core cannot be had; is the registry reachable?\n' >&2; exit 1; }
import hashlib, io, os, sys, tarfile, urllib.request

version, sha256, script = sys.argv[1:]
address = f"https://registry.npmjs.org/axe-core/-/axe-core-{version}.tgz"
archive = urllib.request.urlopen(address, timeout=120).read()
found = hashlib.sha256(archive).hexdigest()
if found != sha256:
    sys.exit(f"axe: {address} has another content: {found}")
with tarfile.open(fileobj=io.BytesIO(archive)) as files:
    text = files.extractfile("package/axe.min.js").read()
os.makedirs(os.path.dirname(script), exist_ok=True)
with open(script + ".part", "wb") as part:
    part.write(text)
os.replace(script + ".part", script)
PYTHON
fi
printf '%s\n' "$script"
