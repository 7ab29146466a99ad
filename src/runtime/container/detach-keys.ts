import { Transform } from 'node:stream'

/** ^P ^Q, as docker has it. */
const keys = [0x10, 0x11] as const

/**
 * What is typed, without the keys that leave a terminal; `onDetach` when they are typed. A ^P waits for the next key: with
 * another it is passed on.
 */
export const watchDetachKeys = (onDetach: () => void): Transform => {
  let held = false
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const passed: number[] = []
      for (const byte of chunk) {
        if (held && byte === keys[1]) {
          this.push(Buffer.from(passed))
          onDetach()
          return done()
        }
        if (held) passed.push(keys[0])
        held = byte === keys[0]
        if (!held) passed.push(byte)
      }
      done(null, Buffer.from(passed))
    },
  })
}
