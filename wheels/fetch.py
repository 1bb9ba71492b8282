#!/usr/bin/env python3
"""Downloads the wheels of a lock file and unpacks the part of them that a build needs.

usage: fetch.py LOCK_FILE TARGET_FOLDER [MEMBER...]

The lock file names each wheel with its SHA-256; pip refuses anything else. TARGET_FOLDER gets a
`site-packages` folder in the wheels' own layout, because libtorch_cpu finds the NVIDIA libraries by
a path relative to itself. A stamp holds the lock file's digest, so a second call costs milliseconds;
a lock serializes callers; the work happens in a temporary folder that is renamed at the end, so a
killed call leaves nothing half done behind. MEMBERs are files of the wheels to unpack besides those
that are listed below.
"""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

# What of each wheel is unpacked: of libtorch's 545 MB of 1.6 GB. libtorch.so itself is left out: it
# needs libtorch_cuda. torch's own copy of the oneDNN headers belongs to another version of oneDNN.
FILES = {
    "torch": ("torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1"),
    "nvidia-cuda-runtime": ("nvidia/cu13/lib/libcudart.so.13",),
    "nvidia-cuda-cupti": ("nvidia/cu13/lib/libcupti.so.13",),
    "onednn-cpu-gomp": ("onednn/lib/libdnnl.so.3",),
    "onednn-devel-cpu-gomp": ("onednn/include/oneapi/dnnl/dnnl.hpp",),
    "silero-vad": ("silero_vad/data/silero_vad.jit",),
}
FOLDERS = (
    "torch/include/ATen/",
    "torch/include/c10/",
    "torch/include/torch/",
    "torch/include/caffe2/",
    "torch/include/fp16/",
    "onednn/include/",
)
PLATFORMS = ("manylinux_2_28", "manylinux_2_25", "manylinux_2_17", "manylinux2014", "manylinux1")


def python_with_pip():
    """The system's Python, if it has pip; else whichever runs this script."""
    for candidate in ("/usr/bin/python3", sys.executable):
        probe = [candidate, "-m", "pip", "--version"]
        if os.path.exists(candidate) and subprocess.run(probe, capture_output=True).returncode == 0:
            return candidate
    sys.exit("fetch.py: no Python with pip: install Debian's 'python3-pip'")


def pip_download(lock_file, folder):
    command = [python_with_pip(), "-m", "pip", "download", "--quiet", "--no-cache-dir", "--no-deps",
               "--disable-pip-version-check", "--progress-bar", "off",
               "--only-binary=:all:", "--require-hashes", "--python-version", "3.11",
               "--implementation", "cp", "--abi", "cp311", "--abi", "none", "--abi", "abi3"]
    for platform in PLATFORMS:
        command += ["--platform", platform + "_x86_64"]
    command += ["-d", str(folder), "-r", str(lock_file)]
    environment = {k: v for k, v in os.environ.items() if k not in ("PIP_FIND_LINKS", "PIP_REQUIRE_VIRTUALENV")}
    subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL)


def wanted(name):
    """The name to unpack a member under, or None. Wheels keep data files in `NAME.data/{data,purelib}/`."""
    parts = name.split("/")
    if parts[0].endswith(".data") and len(parts) > 2:
        name = "/".join(parts[2:])
    # The oneDNN wheels are made for a prefix: include/ and lib/ stand at the top there.
    if name.startswith("include/oneapi/") or name.startswith("include/dnnl"):
        name = "onednn/" + name
    if name == "lib/libdnnl.so.3":
        name = "onednn/" + name
    return name if name.startswith(FOLDERS) or any(name in files for files in FILES.values()) else None


def unpack(wheels, site_packages, members):
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for info in archive.infolist():
                name = None if info.is_dir() else info.filename if info.filename in members else wanted(info.filename)
                if name is None:
                    continue
                target = site_packages / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, open(target, "wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)


def check(site_packages, lock_text, members):
    names = [line.split("==")[0] for line in lock_text.splitlines() if "==" in line]
    files = [*members, *(file for name in names for file in FILES.get(name, ()))]
    missing = [file for file in files if not (site_packages / file).exists()]
    if missing:
        sys.exit("fetch.py: the wheels lack " + ", ".join(missing))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    lock_file, target = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).absolute()
    members = sys.argv[3:]
    recipe = lock_file.read_bytes() + repr((FILES, FOLDERS)).encode() + (repr(members).encode() if members else b"")
    digest = hashlib.sha256(recipe).hexdigest()
    stamp = target / "stamp"
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / (target.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == digest:
            return
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=target.name + ".") as temporary:
            temporary = pathlib.Path(temporary)
            (temporary / "wheels").mkdir()
            pip_download(lock_file, temporary / "wheels")
            fresh = temporary / "fresh"
            unpack(temporary / "wheels", fresh / "site-packages", members)
            check(fresh / "site-packages", lock_file.read_text(), members)
            (fresh / "stamp").write_text(digest)
            if target.exists():
                shutil.rmtree(target)
            os.chmod(fresh, 0o755)
            fresh.rename(target)


if __name__ == "__main__":
    main()
