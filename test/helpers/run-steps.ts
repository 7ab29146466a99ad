/**
 * A program that carries out the steps of insideSteps by the C library, in the network namespace that it is
 * started in. Orders come on descriptor 3. Prints the step that failed and its errno, or nothing.
 */
import { pathToFileURL } from 'node:url'
import { loadCLibrary } from '../../src/bytes/libc.js'
import type { CallStep } from '../../src/runtime/launcher/program.js'
import { insideSteps } from '../../src/runtime/network/attach.js'
import { errnoName } from '../../src/runtime/network/netlink-socket.js'

const prototypes: Record<string, string> = {
  read: 'int64_t read(int fd, _Inout_ uint8_t *data, size_t size)',
  socket: 'int socket(int family, int type, int protocol)',
  sendto: 'int64_t sendto(int fd, const uint8_t *data, size_t size, int flags, int64_t to, uint32_t length)',
  close: 'int close(int fd)',
  bind: 'int bind(int fd, const uint8_t *address, uint32_t length)',
  connect: 'int connect(int fd, const uint8_t *address, uint32_t length)',
}

const main = async (): Promise<void> => {
  const library = await loadCLibrary()
  const slots = new Map<number, number>()
  for (const step of insideSteps({ first: { slot: 1 }, second: { slot: 2 } }) as CallStep[]) {
    const args = step.args.map(value =>
      typeof value === 'object' && 'slot' in value ? slots.get(value.slot)! : (value as number | Uint8Array),
    )
    const result = library.bind(prototypes[step.call]!)(...args)
    if (result < 0) {
      console.log(`${step.name}: ${errnoName(library.errno())}`)
      process.exit(125)
    }
    if (step.save) slots.set(step.save.slot, result)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) await main()
