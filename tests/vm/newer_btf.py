"""
Prints the BTF of this kernel with one more type at the end of its types. The type is of kind 31, which
no kernel has yet (Documentation/bpf/btf.rst).
"""
import struct
import sys

HEADER = "=HBB5I"  # magic, version, flags; length of the header; offset and size of the types, of the strings
SIZE = struct.calcsize(HEADER)

btf = open("/sys/kernel/btf/vmlinux", "rb").read()
*begin, length, types, type_size, strings, string_size = struct.unpack(HEADER, btf[:SIZE])
assert begin[0] == 0xEB9F and length == SIZE and types == 0 and strings == type_size
unknown = struct.pack("=3I", 0, 31 << 24, 0)
type_end = SIZE + type_size
sys.stdout.buffer.write(struct.pack(HEADER, *begin, length, types, type_size + len(unknown), strings + len(unknown),
                                    string_size))
sys.stdout.buffer.write(btf[SIZE:type_end] + unknown + btf[type_end:])
