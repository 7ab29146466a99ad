/**
 * Steps of a program run one after the other, without the launcher, then a command: for tests, in a mount namespace of
 * their own. `node play-steps.js STEPS COMMAND [ARGUMENT…]`, STEPS as a file of JSON.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import koffi from 'koffi'
import type { CallStep } from '../../src/runtime/launcher/program.js'

const library = koffi.load('libc.so.6')
const calls: Readonly<Record<string, ReturnType<typeof library.func>>> = {
  mount: library.func(
    'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  ),
  umount2: library.func('int umount2(const char *target, int flags)'),
  chdir: library.func('int chdir(const char *path)'),
}

const [, , file, command, ...rest] = process.argv
for (const { name, call, args } of JSON.parse(readFileSync(file!, 'utf8')) as CallStep[]) {
  const plain = args.map((argument, index) =>
    argument === 0 && call === 'mount' && index !== 3 ? null : argument,
  )
  if (calls[call]!(...plain) < 0) {
    console.error(`${name}: ${getSystemErrorName(-koffi.errno())}`)
    process.exit(125)
  }
}
const { status } = spawnSync(command!, rest, { stdio: 'inherit' })
process.exit(status ?? 126)
