/** An interpreter for the classic BPF that a seccomp filter is made of (linux/filter.h): what the kernel would answer. */
export const runFilter = (filter: Buffer, data: Buffer): number => {
  let accumulator = 0
  for (let at = 0; at < filter.length / 8; at++) {
    const code = filter.readUInt16LE(8 * at)
    const [ifTrue, ifFalse] = [filter[8 * at + 2]!, filter[8 * at + 3]!]
    const constant = filter.readUInt32LE(8 * at + 4)
    const jump = (holds: boolean) => {
      at += holds ? ifTrue : ifFalse
    }
    switch (code) {
      case 0x20:
        accumulator = data.readUInt32LE(constant)
        break
      case 0x54:
        accumulator = (accumulator & constant) >>> 0
        break
      case 0x05:
        at += constant
        break
      case 0x15:
        jump(accumulator === constant)
        break
      case 0x25:
        jump(accumulator > constant)
        break
      case 0x35:
        jump(accumulator >= constant)
        break
      case 0x06:
        return constant
      default:
        throw new Error(`BPF instruction ${code} at ${at}`)
    }
  }
  throw new Error('The filter has no end')
}

/** struct seccomp_data. */
export const seccompData = (architecture: number, number: number, args: readonly bigint[] = []): Buffer => {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(architecture >>> 0, 4)
  args.forEach((value, index) => {
    data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * index)
  })
  return data
}
