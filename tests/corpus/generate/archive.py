"""Rewrites the zip that torch.jit.save makes: deflated members, and no absolute paths of the machine that made it.

Names and order of members stay (but for their common folder, where a short one is asked for). A `.debug_pkl` holds the paths of Python files; they lose their prefix, and where the
path is part of a recorded stack, blanks at the end make up for it, since ranges point into that text by offset.
"""

import pickletools
import re
import struct
import zipfile

ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def shorten(text, prefixes):
    short = text
    for prefix in prefixes:
        short = short.replace(prefix, "")
    if short == text or re.fullmatch(r"[^\n(]*\.py", text):
        return short
    ending = "\n" if short.endswith("\n") else ""
    return short.rstrip("\n") + " " * (len(text.encode()) - len(short.encode())) + ending


def shorten_pickle(payload, prefixes):
    """Copies a pickle opcode by opcode, with its strings shortened."""
    out = bytearray()
    ops = list(pickletools.genops(payload))
    for index, (op, argument, position) in enumerate(ops):
        end = ops[index + 1][2] if index + 1 < len(ops) else len(payload)
        if op.name == "BINUNICODE" and any(prefix in argument for prefix in prefixes):
            text = shorten(argument, prefixes).encode()
            out += b"X" + struct.pack("<I", len(text)) + text
        else:
            out += payload[position:end]
    return bytes(out)


def rewrite(source, target, prefixes, drop_debug=False, root=None):
    """`root`: another name for the folder that all members are in."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if drop_debug and info.filename.endswith(".debug_pkl"):
                continue
            payload = old.read(info)
            if info.filename.endswith(".debug_pkl"):
                payload = shorten_pickle(payload, prefixes)
            name = f"{root}/{info.filename.split('/', 1)[1]}" if root else info.filename
            member = zipfile.ZipInfo(name, ZIP_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, payload, compresslevel=9)


def mentions(path, prefixes):
    """Whether any member still holds one of the prefixes."""
    with zipfile.ZipFile(path) as archive:
        return any(prefix.encode() in archive.read(info) for info in archive.infolist() for prefix in prefixes)
