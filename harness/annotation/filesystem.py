"""Whether a file lies on a disk of this machine."""

from __future__ import annotations

from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = {
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs",
    "lustre", "gfs2", "ocfs2", "gpfs", "beegfs", "davfs", "orangefs", "fuse.sshfs", "fuse.davfs",
    "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.juicefs",
    "fuse.moosefs",
}  # fmt: skip
"""File systems as Linux calls them, on which SQLite's locks are not to be relied on."""


def network_file_system(file: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the kind of network file system that a file lies (or would lie) on, or None.

    Args:
        file: It need not exist.
        mounts: What is mounted where, as Linux tells it; without it nothing can be said.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    place = file.resolve()
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        root = Path(_unescaped(fields[4]))
        # Of two mounts on the same place the later one is seen.
        if (place == root or root in place.parents) and len(root.parts) >= best:
            best, kind = len(root.parts), after.split()[0]
    return kind if kind in NETWORK else None


def _unescaped(text: str) -> str:
    r"""Return a path as it is; spaces and the like stand there as \040."""
    return text.encode().decode("unicode_escape") if "\\" in text else text
