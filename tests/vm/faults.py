"""Makes QEMU's own virtio devices go wrong, from inside the guest: one call for each fault.

Each fault is a context manager: it lasts as long as its block. Used by stalls.py and qemu_faults.py; the
guest needs QEMU's monitor behind the port vringtop.qmp. A kernel with CONFIG_IO_STRICT_DEVMEM must be booted
with iomem=relaxed.
"""
import contextlib
import glob
import json
import mmap
import os
import struct

DEVICES = "/sys/bus/virtio/devices/"
# The PCI command register, and bits of it.
COMMAND, MEMORY, BUS_MASTER = 4, 2, 4


def pci(device):
    """The folder of the PCI device of virtioN."""
    return os.path.realpath(DEVICES + device + "/..")


@contextlib.contextmanager
def command_bit_off(device, bit):
    with open(pci(device) + "/config", "r+b", buffering=0) as config:
        def set_command(value):
            config.seek(COMMAND)
            config.write(struct.pack("<H", value))

        config.seek(COMMAND)
        command, = struct.unpack("<H", config.read(2))
        set_command(command & ~bit)
        try:
            yield
        finally:
            set_command(command)


def doorbells_lost(device):
    """What is written to the device's memory is lost."""
    return command_bit_off(device, MEMORY)


@contextlib.contextmanager
def memory_of(device, bar):
    """The first page of the memory of a base address register (BAR)."""
    file = os.open(f"{pci(device)}/resource{bar}", os.O_RDWR | os.O_SYNC)
    try:
        with mmap.mmap(file, 4096) as page:
            yield page
    finally:
        os.close(file)


@contextlib.contextmanager
def bus_master_off(device):
    """The device cannot reach the guest's memory. QEMU 10.0 hangs if a ring of it is packed.

    QEMU clears DRIVER_OK then, for good. So at the end the status is written as it was before. It lies at
    20 in the common configuration (virtio 1.3, section 4.1.4.3), which QEMU has at the begin of BAR 4.
    """
    with memory_of(device, 4) as common:
        before = common[20]
        with command_bit_off(device, BUS_MASTER):
            yield
        common[20] = before


@contextlib.contextmanager
def interrupt_masked(device, vector):
    """The interrupt of an MSI-X vector does not come until the end (PCI 6.1: bit 0 of vector control).

    QEMU has the table of vectors at the begin of BAR 1.
    """
    with memory_of(device, 1) as table, memoryview(table) as whole, whole.cast("I") as control:
        at = (16 * vector + 12) // 4
        before = control[at]
        control[at] = before | 1
        try:
            yield
        finally:
            control[at] = before & ~1


class Monitor:
    """QEMU's monitor (QMP)."""

    def __init__(self):
        self.port = os.open("/dev/virtio-ports/vringtop.qmp", os.O_RDWR)
        self.rest = b""
        self.do("qmp_capabilities")

    def line(self):
        while b"\n" not in self.rest:
            self.rest += os.read(self.port, 4096)
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def do(self, command, **arguments):
        """Returns the command's answer."""
        os.write(self.port, json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self.line())
            if "error" in answer:
                raise SystemExit(f"QEMU does not {command}: {answer}")
            if "return" in answer:
                return answer["return"]

    def human(self, line):
        return self.do("human-monitor-command", **{"command-line": line})

    @contextlib.contextmanager
    def throttled(self, **disk):
        """A disk of QEMU lets one byte pass in a second. disk: device, the id of its -drive; or id, that of
        its -device."""
        def limit(bytes_per_second):
            self.do("block_set_io_throttle", **disk, bps=bytes_per_second, bps_rd=0, bps_wr=0, iops=0,
                    iops_rd=0, iops_wr=0)
        limit(1)
        try:
            yield
        finally:
            limit(0)

    @contextlib.contextmanager
    def write_held(self, node, device):
        """The next write of a blkdebug node is held; device is the id of its virtio-blk-pci."""
        self.human(f'qemu-io {node} "break pwritev A"')
        try:
            yield
        finally:
            # By the name of the node, QEMU 10.0 locks up.
            self.human(f'qemu-io -d /machine/peripheral/{device}/virtio-backend "resume A"')

    def queue_status(self, device, queue):
        """What QEMU itself says of a queue of a device with an id: inuse, last-avail-idx, ..."""
        return self.do("x-query-virtio-queue-status", path=f"/machine/peripheral/{device}/virtio-backend",
                       queue=queue)

    def kick_all(self):
        """Stops and continues the machine: QEMU then looks at every ring once. A machine that is stopped
        cannot ask to be continued, so both commands go out together."""
        os.write(self.port, b'{"execute": "stop"}\n{"execute": "cont"}\n')
        answers = 0
        while answers < 2:
            answers += "return" in json.loads(self.line())


def named(driver, layout):
    """The virtio devices of a driver, by bit 34 of their features (VIRTIO_F_RING_PACKED)."""
    found = []
    for path in glob.glob(f"/sys/bus/virtio/drivers/{driver}/virtio*"):
        if (open(path + "/features").read()[34] == "1") == (layout == "packed"):
            found.append(os.path.basename(path))
    return sorted(found, key=lambda name: int(name[6:]))
