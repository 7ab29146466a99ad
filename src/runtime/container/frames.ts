/**
 * What goes over the socket of a watched container: frames of a kind (1 byte), a length (4 bytes, big-endian) and
 * that many bytes.
 */

/** From who is attached: bytes for the program's input, its end, the size of a terminal (rows, columns, 2 bytes each). */
export const fromClient = { input: 0, inputEnd: 1, size: 2 } as const
/** To who is attached: what the program says, and at the end its exit status (1 byte). */
export const toClient = { stdout: 1, stderr: 2, exit: 3 } as const

const headLength = 5
const longest = 1 << 20

export const frame = (kind: number, bytes: Uint8Array = Buffer.alloc(0)): Buffer => {
  const whole = Buffer.alloc(headLength + bytes.length)
  whole[0] = kind
  whole.writeUInt32BE(bytes.length, 1)
  whole.set(bytes, headLength)
  return whole
}

/** Takes bytes as they come, calls back for each whole frame; false when they cannot be frames. */
export const frameReader = (onFrame: (kind: number, bytes: Buffer) => void): ((chunk: Buffer) => boolean) => {
  let rest: Buffer = Buffer.alloc(0)
  return chunk => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    while (rest.length >= headLength) {
      const length = rest.readUInt32BE(1)
      if (length > longest) return false
      if (rest.length < headLength + length) break
      onFrame(rest[0]!, rest.subarray(headLength, headLength + length))
      rest = rest.subarray(headLength + length)
    }
    return true
  }
}

export const sizeBytes = ({ rows, columns }: { rows: number; columns: number }): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt16BE(rows & 0xffff, 0)
  bytes.writeUInt16BE(columns & 0xffff, 2)
  return bytes
}

export const readSize = (bytes: Buffer): { rows: number; columns: number } | undefined =>
  bytes.length === 4 ? { rows: bytes.readUInt16BE(0), columns: bytes.readUInt16BE(2) } : undefined
