import { constants } from 'node:os'

/** Those that Node has no name for; asm-generic/errno.h, the same on x86-64 and arm64. */
const others: readonly (readonly [number, string])[] = [
  [15, 'ENOTBLK'],
  [49, 'EUNATCH'],
  [59, 'EBFONT'],
  [64, 'ENONET'],
  [77, 'EBADFD'],
  [87, 'EUSERS'],
  [94, 'ESOCKTNOSUPPORT'],
  [95, 'EOPNOTSUPP'],
  [108, 'ESHUTDOWN'],
  [112, 'EHOSTDOWN'],
  // A file system that is damaged.
  [117, 'EUCLEAN'],
  [121, 'EREMOTEIO'],
  [123, 'ENOMEDIUM'],
  [124, 'EMEDIUMTYPE'],
  [126, 'ENOKEY'],
  [127, 'EKEYEXPIRED'],
  [128, 'EKEYREVOKED'],
  [129, 'EKEYREJECTED'],
  [132, 'ERFKILL'],
  [133, 'EHWPOISON'],
]

let names: ReadonlyMap<number, string> | undefined

/** `EPERM` for 1. */
export const errnoName = (errno: number): string => {
  names ??= new Map([
    ...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
    // EWOULDBLOCK is another name for the same number.
    [constants.errno.EAGAIN, 'EAGAIN'],
    ...others,
  ])
  return names.get(errno) ?? `errno ${errno}`
}
