#!/usr/bin/env python3
"""Makes the damaged archives of the command line's goldens from sound ones of the corpus.

usage: make_archives.py   (from the repository's root; needs nothing but Python)
"""
import pathlib
import zipfile

CORPUS = pathlib.Path("tests/corpus/archives")
TARGET = pathlib.Path("tests/golden/cli/archives")
MOMENT = (1980, 1, 1, 0, 0, 0)


def rewrite(source, target, change):
    """Copies an archive, its members passed through change(name, contents); None leaves a member out."""
    with zipfile.ZipFile(CORPUS / source) as old, zipfile.ZipFile(TARGET / target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            contents = change(name, old.read(name))
            if contents is not None:
                new.writestr(zipfile.ZipInfo(name, MOMENT), contents, zipfile.ZIP_DEFLATED)


def missing_operators(name, contents):
    """Calls of operators that no libtorch has; without the map to the model's source, which would no longer fit."""
    if name.endswith(".debug_pkl"):
        return None
    if name.endswith(".py"):
        contents = contents.replace(b"torch.linear(input", b"ops.mylib.fast_linear(input")
        contents = contents.replace(b"torch.relu(input)", b"ops.torchvision.smooth_relu(input)")
    return contents


def unknown_class(name, contents):
    """data.pkl names a class that the source does not have."""
    return contents.replace(b"Mlp\n", b"Mlq\n") if name.endswith("data.pkl") else contents


def main():
    TARGET.mkdir(exist_ok=True)
    rewrite("mlp.pt", "missing_operators.pt", missing_operators)
    rewrite("mlp.pt", "unknown_class.pt", unknown_class)
    whole = (CORPUS / "mlp.pt").read_bytes()
    (TARGET / "truncated.pt").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(CORPUS / "mlp.pt") as archive:
        entry = next(entry for entry in archive.infolist() if entry.filename.endswith("data.pkl"))
    damaged = bytearray(whole)
    damaged[entry.header_offset + 30 + len(entry.filename) + 80] ^= 0xFF
    (TARGET / "damaged.pt").write_bytes(damaged)
    (TARGET / "empty.pt").write_bytes(b"")
    (TARGET / "text.pt").write_text("this is no model\n")


if __name__ == "__main__":
    main()
