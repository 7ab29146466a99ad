import test from 'ava'
import { arm64 } from '../../src/runtime/launcher/arm64.js'
import {
  capabilityMask,
  capabilityNames,
  chooseCapabilities,
  defaultCapabilities,
} from '../../src/runtime/launcher/capabilities.js'
import { containerSteps } from '../../src/runtime/launcher/container-steps.js'
import { deviceFilter } from '../../src/runtime/launcher/device-filter.js'
import { deviceNumber, deviceRules } from '../../src/runtime/launcher/devices.js'
import { encode } from '../../src/runtime/launcher/encode.js'
import { executeFailure } from '../../src/runtime/launcher/execute-steps.js'
import { explain } from '../../src/runtime/launcher/explain.js'
import type { Prepared } from '../../src/runtime/launcher/prepared.js'
import { limitsOf } from '../../src/runtime/launcher/rlimits.js'
import { parseTmpfsOptions } from '../../src/runtime/launcher/tmpfs-options.js'
import { x86_64 } from '../../src/runtime/launcher/x86-64.js'
import { preparedOf, settingsOf } from './container-fixture.js'

const namesOf = (settings: Parameters<typeof settingsOf>[0] = {}, prepared: Partial<Prepared> = {}) =>
  containerSteps(
    settingsOf(settings),
    preparedOf({ tree: '/tree', mountPoint: '/mount' }, { machine: 'x86-64', ...prepared }),
  ).flatMap(step => ('name' in step ? [step.name] : []))

/** Whether these names occur in this order. */
const inOrder = (names: readonly string[], wanted: readonly string[]): string | undefined => {
  let from = 0
  for (const name of wanted) {
    const at = names.indexOf(name, from)
    if (at < 0) return name
    from = at + 1
  }
  return undefined
}

test('containerSteps looks at no path of the image before the root is changed, and at /proc last', t => {
  const binds = [{ source: '/of/host', target: '/in/image', readonly: true, is: 'folder' as const }]
  t.is(
    inOrder(namesOf({ process: { cwd: '/work' } }, { binds }), [
      'close what was inherited',
      'block signals',
      'die with the launching process',
      'start the process of the container',
      'make all mounts private',
      'open /of/host of the host',
      'make /of/host read-only',
      'mount proc for /proc',
      'bind the tree',
      'make a namespace of control groups',
      'change the root',
      "let go of the host's files",
      'open /dev, which must be a folder and no link',
      'open /in/image to mount there',
      'make /work',
      'open /proc, which must be a folder and no link',
      'mask /proc/kcore',
      'protect /proc/sys',
    ]),
    undefined,
  )
})

test('containerSteps drops rights in the order that the kernel wants', t => {
  const last = ['close everything at the start of the program', 'run /usr/local/sbin/true']
  t.is(
    inOrder(namesOf(), [
      'drop sys_admin for good',
      'become user 0',
      'set the capabilities',
      // setresuid clears it.
      'die with the launching process',
      'give up new privileges',
      'filter system calls',
      'unblock signals',
      ...last,
    ]),
    undefined,
  )
  // Without no_new_privs a filter needs CAP_SYS_ADMIN.
  t.is(
    inOrder(namesOf({ process: { noNewPrivileges: false } }), [
      'filter system calls',
      'become user 0',
      'set the capabilities',
      ...last,
    ]),
    undefined,
  )
})

test('containerSteps leaves a detached container alive when its launcher ends', t => {
  t.false(namesOf({}, { detached: true }).includes('die with the launching process'))
})

test('containerSteps in a user namespace clones the devices of the host', t => {
  const names = namesOf({}, { rootless: true })
  t.is(
    inOrder(names, ['clone /dev/null of the host', 'change the root', "attach the host's /dev/null"]),
    undefined,
  )
})

test('containerSteps on control groups of version 2 starts inside, behind a device filter', t => {
  const cgroup = { version: 2, folder: '/sys/fs/cgroup/lading/x', anyDevice: false } as const
  const names = namesOf({}, { cgroup })
  t.is(
    inOrder(names, [
      'load the device filter',
      'attach the device filter',
      'start the process of the container',
    ]),
    undefined,
  )
  t.false(namesOf({}, { cgroup: { ...cgroup, anyDevice: true } }).includes('load the device filter'))
})

test('containerSteps encodes for both machines and explains itself, every step by a name', t => {
  for (const machine of [x86_64, arm64]) {
    const settings = settingsOf({ process: { init: true, terminal: true } })
    const prepared = preparedOf({ tree: '/tree', mountPoint: '/mount' }, { machine: machine.name })
    const program = containerSteps(settings, prepared)
    const file = encode(program, machine)
    t.true(file.length > 4096 && file.length < 65_536, `${machine.name}: ${file.length} bytes`)
    t.regex(explain(program), /change the root: pivot_root\("\.", "\."\)/)
  }
})

test('containerSteps of the same settings is the same program', t => {
  t.deepEqual(namesOf(), namesOf())
})

test('chooseCapabilities counts --cap-add, --cap-drop and ALL as Docker does', t => {
  const choose = (add: string[], drop: string[]) => chooseCapabilities({ add, drop })
  t.is(capabilityMask(choose([], [])), 0xa804_25fbn)
  t.deepEqual(choose([], ['ALL']), [])
  t.deepEqual(choose(['CAP_NET_ADMIN'], ['all']), ['net_admin'])
  t.deepEqual(choose(['ALL'], ['net_raw', 'CAP_MKNOD']).length, capabilityNames.length - 2)
  t.is(choose(['sys_time'], ['KILL']).length, defaultCapabilities.length)
  t.deepEqual(chooseCapabilities({ add: [], drop: ['ALL'], privileged: true }), capabilityNames)
  t.throws(() => choose(['CAP_FLY'], []), {
    message: 'Unknown capability "CAP_FLY": give one as NET_RAW, or ALL',
  })
})

test('limitsOf lowers limits to those of the host, and reads −1 as none', t => {
  const host = { limits: 'Max open files            1024                 4096                 files     \n' }
  const wanted = [{ name: 'nofile', soft: 65_536, hard: -1 }]
  t.deepEqual(limitsOf(wanted, { ...host, mayRaise: false }), [
    { name: 'nofile', resource: 7, soft: 4096n, hard: 4096n },
  ])
  t.deepEqual(limitsOf(wanted, { ...host, mayRaise: true }), [
    { name: 'nofile', resource: 7, soft: 65_536n, hard: 0xffff_ffff_ffff_ffffn },
  ])
  t.throws(() => limitsOf([{ name: 'fun', soft: 1, hard: 1 }], { ...host, mayRaise: true }), {
    message: /^Unknown limit "fun": give one of cpu, fsize/,
  })
})

test('parseTmpfsOptions starts from what Docker sets, and refuses words that it does not know', t => {
  t.deepEqual(parseTmpfsOptions(''), { attributes: 2 | 4 | 8, options: {} })
  t.deepEqual(parseTmpfsOptions('rw,exec,size=64m,mode=1770'), {
    attributes: 2 | 4,
    options: { size: '64m', mode: '1770' },
  })
  t.deepEqual(parseTmpfsOptions('ro,suid').attributes, 1 | 4 | 8)
  for (const word of ['bind', 'constructor', 'toString=1', 'size'])
    t.throws(() => parseTmpfsOptions(word), { message: /^Unknown option/ })
})

test('deviceFilter is as long as its rules need, and deviceNumber splits as mknod does', t => {
  t.is(deviceFilter([]).length / 8, 6 + 2)
  t.true(deviceFilter(deviceRules).length / 8 < 100)
  t.is(deviceNumber(1, 3), 0x103)
  t.is(deviceNumber(259, 0x12345), (0x45 | (259 << 8) | (0x12300 << 12)) >>> 0)
})

test('executeFailure says what Docker says', t => {
  t.is(executeFailure('nope', 'ENOENT'), 'exec: "nope": executable file not found in $PATH')
  t.is(executeFailure('/nope', 'ENOENT'), 'exec: "/nope": stat /nope: no such file or directory')
  t.is(executeFailure('/bin', 'EACCES'), 'exec: "/bin": permission denied')
})
