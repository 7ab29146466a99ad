/**
 * A static executable of two segments: data, which may be read and written, and after it code, which may be read
 * and run. No page is both written and run, and the stack (which is never used) runs no code either. Layout by
 * elf(5): the file header, three program headers, the data, the code.
 */

const fileHeaderLength = 64
const programHeaderLength = 56
const headersLength = fileHeaderLength + 3 * programHeaderLength
/** The largest page of either machine (arm64 may have 64 KiB), which segments may not share. */
const pageLength = 0x1_0000
/** Far below 2^31, so that an address is a 32-bit constant of either sign; above what mmap_min_addr forbids. */
const base = 0x40_0000

const segmentKinds = { load: 1, stack: 0x6474_e551 } as const
const run = 1
const write = 2
const read = 4

/** The address that the data's first byte will have. */
export const dataAddress = base + headersLength

/**
 * The file. `entry` is where in the code the program starts.
 * Data longer than what 2^31 leaves (2 GiB) has no place.
 */
export const elf = (elfMachine: number, data: Uint8Array, code: Uint8Array, entry = 0): Buffer => {
  const codeOffset = Math.ceil((headersLength + data.length) / 16) * 16
  // An address and its offset in the file are equal modulo the page, as mmap wants it.
  const codeAddress = base + codeOffset + pageLength
  const file = Buffer.alloc(codeOffset + code.length)
  file.set(data, headersLength)
  file.set(code, codeOffset)

  file.set([0x7f, 0x45, 0x4c, 0x46, /* 64 bits */ 2, /* little-endian */ 1, /* version */ 1])
  file.writeUInt16LE(/* ET_EXEC */ 2, 16)
  file.writeUInt16LE(elfMachine, 18)
  file.writeUInt32LE(/* version */ 1, 20)
  writeNumber(file, codeAddress + entry, 24)
  writeNumber(file, fileHeaderLength, 32)
  file.writeUInt16LE(fileHeaderLength, 52)
  file.writeUInt16LE(programHeaderLength, 54)
  file.writeUInt16LE(/* program headers */ 3, 56)

  const segments = [
    {
      kind: segmentKinds.load,
      flags: read | write,
      offset: 0,
      address: base,
      length: headersLength + data.length,
    },
    {
      kind: segmentKinds.load,
      flags: read | run,
      offset: codeOffset,
      address: codeAddress,
      length: code.length,
    },
    { kind: segmentKinds.stack, flags: read | write, offset: 0, address: 0, length: 0 },
  ]
  segments.forEach(({ kind, flags, offset, address, length }, index) => {
    const at = fileHeaderLength + index * programHeaderLength
    file.writeUInt32LE(kind, at)
    file.writeUInt32LE(flags, at + 4)
    writeNumber(file, offset, at + 8)
    writeNumber(file, address, at + 16)
    writeNumber(file, address, at + 24)
    writeNumber(file, length, at + 32)
    writeNumber(file, length, at + 40)
    writeNumber(file, kind === segmentKinds.load ? pageLength : 16, at + 48)
  })
  return file
}

/** 64 bits; the number is below 2^32. */
const writeNumber = (file: Buffer, value: number, at: number): void => {
  file.writeUInt32LE(value, at)
}
